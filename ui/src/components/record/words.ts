import { locale, t } from "$lib/i18n/i18n.svelte";

export function sizeWords(bytes: number): string {
  return bytes < 1e9
    ? t("summary.megabytes", { value: locale.number(bytes / 1e6, bytes < 1e7 ? 1 : 0) })
    : t("record.gigabytes", { value: locale.number(bytes / 1e9, 1) });
}

/** What the disk still takes, in the unit that a person would say. */
export function leftWords(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return t("record.left-minutes", { minutes: locale.number(minutes) });
  const hours = Math.floor(minutes / 60);
  return hours < 100 ? t("record.left-hours", { hours: locale.number(hours) }) : t("record.left-plenty");
}
