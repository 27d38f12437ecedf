import type { Cause } from "$lib/bindings/Cause";
import type { Destination } from "$lib/bindings/Destination";
import type { StateName } from "$lib/bindings/StateName";
import type { Target } from "$lib/bindings/Target";
import type { TargetState } from "$lib/bindings/TargetState";
import { serverName } from "$lib/ingest";

export type Phase =
  "idle" | "starting" | "connecting" | "live" | "reconnecting" | "stopping" | "ended" | "failed";

/** One target of the run: what it is and how it fares. Rows are replaced, never changed. */
export interface RunTarget {
  readonly target: number;
  /** A connection's name, or host and app; null is this computer. */
  readonly name: string | null;
  readonly role: string;
  /** The first target of its connection, unless it is that one. */
  readonly of: number | null;
  readonly connection: string | null;
  readonly state: StateName;
  readonly attempt: number;
  /** Which of its servers is live: 0 is the primary, the others stand by; null unless live. */
  readonly server: number | null;
  readonly cause: Cause | null;
  readonly wasLive: boolean;
}

const OVER: readonly StateName[] = ["stopped", "failed"];

export const isOver = ({ state }: Pick<RunTarget, "state">) => OVER.includes(state);

/** This computer has a name in each language; a server has an address, a connection its own name. */
function nameOf(target: Pick<Target, "name" | "connection">): string | null {
  if (target.name.includes("://")) return serverName(target.name) || target.name;
  return target.connection === null ? null : target.name;
}

export function joined(target: Target): RunTarget {
  const { role, of, connection } = target;
  return {
    target: target.target,
    name: nameOf(target),
    role,
    of,
    connection,
    state: "connecting",
    attempt: 1,
    server: null,
    cause: null,
    wasLive: false,
  };
}

/** What is asked for, before the engine has said what it became. */
export function asked(destinations: readonly Destination[], names: readonly (string | null)[]): RunTarget[] {
  return destinations.map((destination, target) => ({
    ...joined({ target, name: "", encoding: 0, role: "primary", of: null, connection: null }),
    name: names[target] ?? (destination.kind === "url" ? serverName(destination.url) : null),
    connection: destination.kind === "profile" ? destination.id : null,
  }));
}

export function followed(target: RunTarget, { state, attempt, server, cause }: TargetState): RunTarget {
  return { ...target, state, attempt, server, cause, wasLive: target.wasLive || state === "live" };
}

/**
 * What the run as a whole is: live as soon as and as long as anybody gets it. One target's trouble is not the
 * run's while another one works.
 */
export function phaseOf(targets: readonly RunTarget[], wasLive: boolean): Phase {
  const any = (state: StateName) => targets.some((target) => target.state === state);
  if (any("live")) return "live";
  if (any("reconnecting")) return "reconnecting";
  if (any("connecting")) return wasLive ? "reconnecting" : "connecting";
  return any("stopping") || !any("failed") ? "stopping" : "failed";
}

/** The target that the run's phase tells of: its attempt and its cause are the run's. */
export function tellingOf(targets: readonly RunTarget[], phase: Phase): RunTarget | undefined {
  const telling = targets.find(({ state }) => state === phase);
  return telling ?? targets.find((target) => !isOver(target)) ?? targets[0];
}
