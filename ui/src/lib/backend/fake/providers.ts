import type { ConnectionEncoding } from "$lib/bindings/ConnectionEncoding";
import type { Provider } from "$lib/bindings/Provider";
import catalogue from "$catalogue/providers.json";

interface Limits {
  width?: number;
  height?: number;
  video_kbps?: number;
  total_kbps?: number;
  keyframe_s?: number;
  tls?: string;
}

interface Entry {
  id: string;
  name: string;
  docs?: string;
  hosts?: string[];
  ingests: { role: string; url: string; example: string }[];
  key: { example: string; begins?: string[]; same_for_backup?: boolean };
  playback: { id: string; url: string; inputs: string[] }[];
  variants?: { id: string; pushes?: number; limits?: Limits }[];
  limits: Limits;
  presets: string[];
}

const entries = catalogue.providers as Entry[];
const presets = catalogue.presets as (ConnectionEncoding & { id: string })[];

function preset(id: string): ConnectionEncoding[] {
  return presets.filter((one) => one.id === id).map(({ id: _, ...encoding }) => encoding);
}

/** The engine's own catalogue, as the window gets it. */
export const providers: Provider[] = entries.map((entry) => ({
  id: entry.id,
  name: entry.name,
  docs: entry.docs ?? "",
  ingests: entry.ingests.map(({ role, url, example }) => ({ role, example, fixed: !url.includes("{") })),
  key_example: entry.key.example,
  same_key_for_backup: entry.key.same_for_backup ?? false,
  pushes_both: entry.ingests.some(({ role }) => role === "backup")
    ? ["", ...(entry.variants ?? []).filter(({ pushes }) => pushes !== 1).map(({ id }) => id)]
    : [],
  variants: (entry.variants ?? []).map(({ id }) => id),
  playback: entry.playback.map(({ id, url, inputs }) => ({ id, url, inputs })),
  presets: entry.presets.flatMap(preset),
}));

export function limitsOf(provider: string, variant: string | null): Limits {
  const entry = entries.find(({ id }) => id === provider);
  return { ...entry?.limits, ...entry?.variants?.find(({ id }) => id === variant)?.limits };
}

/** As the engine recognises an address: by its host. */
export function recognise(address: string): string {
  const host = /^\w+:\/\/(?:[^/@]*@)?([^/:?]+)/.exec(address)?.[1] ?? "";
  const found = entries.find(({ hosts = [] }) =>
    hosts.some((known) => (known.startsWith(".") ? host.endsWith(known) : host === known)),
  );
  if (found) return found.id;
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) ? "medialive" : "custom";
}
