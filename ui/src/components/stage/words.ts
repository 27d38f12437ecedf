import type { Source } from "$lib/bindings/Source";
import { t } from "$lib/i18n/i18n.svelte";

/**
 * What stands in the picker for a device that the list does not hold. It is called disconnected only when it is
 * known to be, and by a name only when it has one: an id says nothing to people.
 */
export function unlistedWords(kind: "camera" | "microphone", source: Source): string {
  const named = source.name !== "" && source.name !== source.id;
  if (source.state === "opening") return named ? source.name : t(`${kind}.opening`);
  if (source.state !== "failed") return source.name || t(`${kind}.choose`);
  if (named) return t(`${kind}.missing`, { name: source.name });
  return source.id === "default" ? t(`${kind}.choose`) : t(`${kind}.missing-chosen`);
}
