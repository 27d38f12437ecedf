import type { Lowered } from "$lib/bindings/Lowered";
import type { Started } from "$lib/bindings/Started";
import type { Warning } from "$lib/bindings/Warning";
import { reason } from "$lib/i18n/cause";
import { isKey, known, locale, t } from "$lib/i18n/i18n.svelte";
import type { IngestProblem } from "$lib/ingest";
import type { RunState } from "$lib/state/run.svelte";

/** Which encoder runs, and why that one. */
export function encoderWords(started: Started | null): string | null {
  const encoding = started?.encodings[0];
  if (!encoding) return null;
  const words = t("state.encoder", { encoder: encoding.encoder, reason: reason(encoding.cause).sentence });
  const lowered = started.encodings.flatMap((one) => one.lowered.map(loweredWords));
  return lowered.length > 0 ? `${words} ${t("state.lowered", { what: lowered.join(", ") })}` : words;
}

/** The exact rule, in words. */
export function warningWords(warning: Warning): string {
  const { rule, refused, limit, actual, name } = warning;
  const advised = `limit.${rule}.advice`;
  const key = !refused && isKey(advised) ? advised : `limit.${rule}`;
  return known(key, `${name}: ${rule} ${limit}`, { name, limit, actual });
}

export function loweredWords({ rule, from, to, name }: Lowered): string {
  return known(`limit.${rule}.lowered`, `${rule} ${from} → ${to}`, { from, to, name });
}

export function bitrateWords(kbps: number): string {
  return kbps < 1000
    ? t("figure.bitrate-kbps", { value: locale.number(kbps) })
    : t("figure.bitrate-mbps", { value: locale.number(kbps / 1000, 2) });
}

export interface Words {
  text: string;
  tone: "plain" | "wait" | "live" | "fault";
}

/** The state of the run, spelled out. */
export function runWords(run: RunState, problem: IngestProblem | null): Words {
  const { attempt } = run;
  const name = run.name ?? t("target.local");
  const total = run.targets.length;
  switch (run.phase) {
    case "idle":
      return { text: t(problem ? "state.no-target" : "state.idle"), tone: "plain" };
    case "starting":
      return { text: t("state.starting"), tone: "wait" };
    case "connecting": {
      if (total > 1) return { text: t("state.connecting-several", { count: total }), tone: "wait" };
      const key = attempt > 1 ? "state.connecting-again" : "state.connecting";
      return { text: t(key, { name, attempt }), tone: "wait" };
    }
    case "live":
      if (total > 1) return { text: t("state.live-several", { live: run.liveCount, total }), tone: "live" };
      return { text: t("state.live", { name }), tone: "live" };
    case "reconnecting":
      if (total > 1) return { text: t("state.reconnecting-several"), tone: "live" };
      return { text: t("state.reconnecting", { name, attempt }), tone: "live" };
    case "stopping":
      return { text: t("state.stopping"), tone: "wait" };
    case "ended":
      return { text: t("state.ended"), tone: "plain" };
    case "failed":
      return { text: t("state.failed"), tone: "fault" };
  }
}
