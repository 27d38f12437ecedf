import type { ConnectionEncoding } from "$lib/bindings/ConnectionEncoding";
import { known, locale, t } from "$lib/i18n/i18n.svelte";
import type { ConnectionsState } from "$lib/state/connections.svelte";

export function providerName(connections: ConnectionsState, id: string): string {
  return connections.provider(id)?.name || known(`provider.${id}.name`, t("provider.custom.name"));
}

/** A key never stands in an address on screen. */
export const shownPlayback = (url: string) => url.replaceAll("{key}", "***");

export const roleName = (role: string) => known(`role.${role}`, role);

export function encodingValues({ width, height, fps, video_kbps }: ConnectionEncoding) {
  return { size: `${width}×${height}`, fps, kbps: locale.number(video_kbps) };
}
