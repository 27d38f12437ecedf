import type { Started } from "$lib/bindings/Started";
import { reason } from "$lib/i18n/cause";
import { t } from "$lib/i18n/i18n.svelte";
import type { IngestProblem } from "$lib/ingest";
import type { RunState } from "$lib/state/run.svelte";

/** Which encoder runs, and why that one. */
export function encoderWords(started: Started | null): string | null {
  const encoding = started?.encodings[0];
  if (!encoding) return null;
  return t("state.encoder", { encoder: encoding.encoder, reason: reason(encoding.cause).sentence });
}

export interface Words {
  text: string;
  tone: "plain" | "wait" | "live" | "fault";
}

/** The state of the run, spelled out. */
export function runWords(run: RunState, problem: IngestProblem | null): Words {
  const { attempt } = run;
  const name = run.name ?? t("target.local");
  switch (run.phase) {
    case "idle":
      return { text: t(problem ? "state.no-target" : "state.idle"), tone: "plain" };
    case "starting":
      return { text: t("state.starting"), tone: "wait" };
    case "connecting": {
      const key = attempt > 1 ? "state.connecting-again" : "state.connecting";
      return { text: t(key, { name, attempt }), tone: "wait" };
    }
    case "live":
      return { text: t("state.live", { name }), tone: "live" };
    case "reconnecting":
      return { text: t("state.reconnecting", { name, attempt }), tone: "live" };
    case "stopping":
      return { text: t("state.stopping"), tone: "wait" };
    case "ended":
      return { text: t("state.ended"), tone: "plain" };
    case "failed":
      return { text: t("state.failed"), tone: "fault" };
  }
}
