import type { Alarm } from "$lib/bindings/Alarm";
import type { Cause } from "$lib/bindings/Cause";
import type { Source } from "$lib/bindings/Source";
import { causeHere } from "$lib/i18n/cause";
import type { Key } from "$lib/i18n/i18n.svelte";
import type { Phase } from "$lib/state/run.svelte";

export type Severity = "fault" | "warn" | "info";
/** The one thing that a person can do about a notice here. */
export type Remedy = "try-again" | "look-again" | "dismiss";

export interface Notice {
  id: string;
  severity: Severity;
  title: Key;
  cause: Cause;
  remedies: readonly Remedy[];
}

/** What the notices are made from. */
export interface Facts {
  phase: Phase;
  /** The run was on air before it failed. */
  wasLive: boolean;
  cause: Cause | null;
  microphone: Source;
  alarms: readonly Alarm[];
  problem: { of: "settings" | "device"; cause: Cause } | null;
  /** Why a target of the run could not be added or stopped. */
  refused: Cause | null;
}

/** The cards beside the picture, the most pressing first. The camera's own card stands in the preview. */
export function notices(facts: Facts): Notice[] {
  const list: Notice[] = [];
  if (facts.phase === "failed" && facts.cause) {
    const title = facts.wasLive ? "card.live-ended" : "card.live-failed";
    const remedies = ["try-again", "dismiss"] as const;
    list.push({ id: "run", severity: "fault", title, cause: facts.cause, remedies });
  }
  if (facts.refused) {
    const remedies = ["dismiss"] as const;
    list.push({
      id: "target",
      severity: "warn",
      title: "card.target-failed",
      cause: facts.refused,
      remedies,
    });
  }
  if (facts.microphone.state === "failed" && facts.microphone.cause) {
    const { cause } = facts.microphone;
    list.push({
      id: "microphone",
      severity: "warn",
      title: "microphone.card",
      cause,
      remedies: ["look-again"],
    });
  }
  if (facts.problem) {
    const title = facts.problem.of === "settings" ? "card.settings-failed" : "card.device-failed";
    list.push({ id: "problem", severity: "warn", title, cause: facts.problem.cause, remedies: ["dismiss"] });
  }
  for (const { code, message } of facts.alarms) {
    // A source in trouble has a card of its own.
    if (/^(camera|microphone)-/.test(code)) continue;
    const cause = { ...causeHere(code), message };
    list.push({ id: `alarm-${code}`, severity: "warn", title: "card.alarm", cause, remedies: [] });
  }
  return list;
}
