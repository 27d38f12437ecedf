import { causeOf, type Backend } from "$lib/backend/backend";
import type { Alarm } from "$lib/bindings/Alarm";
import type { Cause } from "$lib/bindings/Cause";
import type { Destination } from "$lib/bindings/Destination";
import type { Event } from "$lib/bindings/Event";
import type { Run } from "$lib/bindings/Run";
import type { Started } from "$lib/bindings/Started";
import type { Stats } from "$lib/bindings/Stats";
import type { Summary } from "$lib/bindings/Summary";
import type { TargetState } from "$lib/bindings/TargetState";
import { causeHere } from "$lib/i18n/cause";
import { serverName } from "$lib/ingest";

export type Phase =
  "idle" | "starting" | "connecting" | "live" | "reconnecting" | "stopping" | "ended" | "failed";

/** Which of the two controls is there, and what it does. */
export type Control = "start" | "cancel" | "end" | "stop-now";

/** After a control has changed, presses are ignored this long: a double click must not start and stop. */
export const DEAD_TIME_MS = 700;

const ON_AIR: readonly Phase[] = ["live", "reconnecting"];

function controlOf(phase: Phase): Control {
  if (phase === "starting" || phase === "connecting") return "cancel";
  if (phase === "stopping") return "stop-now";
  return ON_AIR.includes(phase) ? "end" : "start";
}

/** A press on the window's cross while on air asks too. */
export type Question = "live" | "end" | "quit";

/** One run, from the press on Go live to its summary. */
export class RunState {
  readonly #backend: Backend;
  readonly #changed: (before: Phase, now: Phase) => void;
  readonly #now: () => number;

  #phase = $state<Phase>("idle");
  #attempt = $state(1);
  #cause = $state.raw<Cause | null>(null);
  /** The engine has a run; it may have failed and still be closing. */
  #active = $state(false);
  #confirming = $state<Question | null>(null);
  #armed = $state(true);
  #elapsed = $state(0);
  #name = $state<string | null>(null);
  #started = $state.raw<Started | null>(null);
  #stats = $state.raw<Stats | null>(null);
  #summary = $state.raw<Summary | null>(null);
  #alarms = $state.raw<Alarm[]>([]);
  #playbackUrl = $state<string | null>(null);

  #destination: Destination = { kind: "local" };
  #liveSince = $state<number | null>(null);
  #stopAsked = false;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #arming: ReturnType<typeof setTimeout> | undefined;

  constructor(
    backend: Backend,
    changed: (before: Phase, now: Phase) => void = () => undefined,
    now: () => number = Date.now,
  ) {
    this.#backend = backend;
    this.#changed = changed;
    this.#now = now;
  }

  get phase(): Phase {
    return this.#phase;
  }
  get control(): Control {
    return controlOf(this.#phase);
  }
  /** Presses count. */
  get armed(): boolean {
    return this.#armed;
  }
  get confirming(): Question | null {
    return this.#confirming;
  }
  get active(): boolean {
    return this.#active;
  }
  get onAir(): boolean {
    return ON_AIR.includes(this.#phase);
  }
  /** This run, or the last one, was on air. */
  get wasLive(): boolean {
    return this.#liveSince !== null;
  }
  get attempt(): number {
    return this.#attempt;
  }
  get cause(): Cause | null {
    return this.#cause;
  }
  /** Seconds since the first moment of being live. */
  get elapsed(): number {
    return this.#elapsed;
  }
  /** Host and app of the target; null is this computer. */
  get name(): string | null {
    return this.#name;
  }
  get started(): Started | null {
    return this.#started;
  }
  get stats(): Stats | null {
    return this.#stats;
  }
  get summary(): Summary | null {
    return this.#summary;
  }
  get alarms(): readonly Alarm[] {
    return this.#alarms;
  }
  get playbackUrl(): string | null {
    return this.#playbackUrl;
  }

  /** Takes up a run that was on before this page was loaded. */
  load(run: Run | null): void {
    if (!run) return;
    if (run.started) this.apply({ event: "started", ...run.started });
    this.#active = true;
    run.states.forEach((state) => this.apply({ event: "state", ...state }));
    this.#stats = run.stats;
    this.#playbackUrl = run.playback.find(({ target }) => target === 0)?.url ?? null;
  }

  apply(event: Event): void {
    switch (event.event) {
      case "started":
        this.#begin(event);
        break;
      case "state":
        if (event.target === 0) this.#follow(event);
        break;
      case "playback":
        if (event.target === 0) this.#playbackUrl = event.url;
        break;
      case "stats":
        this.#stats = event;
        break;
      case "alarm":
        this.#alarms = this.#alarms.filter((alarm) => alarm.code !== event.code);
        if (event.until === null) this.#alarms = [...this.#alarms, event];
        break;
      case "summary":
        this.#finish(event);
    }
  }

  /** A press on Go live. Only a server that others can watch is asked about once more. */
  requestLive(destination: Destination): void {
    if (!this.#armed || this.#active || this.control !== "start") return;
    this.#destination = destination;
    if (destination.kind === "local") void this.#goLive();
    else this.#ask("live");
  }

  /** A press on the other control: cancel, end, or stop at once. */
  requestStop(): void {
    if (!this.#armed || this.control === "start") return;
    if (this.control === "end") this.#ask("end");
    else void this.#stop();
  }

  confirm(): void {
    if (!this.#armed) return;
    const asked = this.#confirming;
    this.#confirming = null;
    if (asked === "live") void this.#goLive();
    if (asked === "end") void this.#stop();
    if (asked === "quit") void this.#quit();
  }

  /** The window shall close while the engine has a run: only what viewers would miss is asked about, once. */
  requestQuit(): void {
    const asked = this.#confirming === "quit";
    if (!this.onAir || (asked && this.#armed)) return void this.#quit();
    if (!asked) this.#ask("quit");
    this.#backend.closeAnswered().catch(() => undefined);
  }

  dismiss(): void {
    this.#confirming = null;
    this.#destination = { kind: "local" };
  }

  /** The cards of the last run have been read. */
  clear(): void {
    if (this.#active || !["ended", "failed"].includes(this.#phase)) return;
    this.#summary = null;
    this.#cause = null;
    this.#enter("idle");
  }

  #ask(what: Question): void {
    this.#confirming = what;
    this.#disarm();
  }

  async #goLive(): Promise<void> {
    this.#reset();
    this.#active = true;
    this.#name = this.#destination.kind === "url" ? serverName(this.#destination.url) : null;
    this.#enter("starting");
    try {
      const going = this.#backend.goLive([this.#destination]);
      // The key is with the engine now; nothing here needs it any more.
      this.#destination = { kind: "local" };
      await going;
    } catch (error) {
      this.#active = false;
      this.#cause = causeOf(error);
      this.#enter("failed");
    }
  }

  async #quit(): Promise<void> {
    this.#confirming = null;
    this.#stopAsked = true;
    this.#enter("stopping");
    await this.#backend.quit().catch(() => undefined);
  }

  async #stop(): Promise<void> {
    this.#stopAsked = true;
    this.#enter("stopping");
    try {
      await this.#backend.stop();
    } catch (error) {
      this.#cause = causeOf(error);
    }
  }

  #begin(started: Started): void {
    this.#active = true;
    this.#started = started;
    const name = started.targets[0]?.name ?? "";
    // This computer has a name in each language; a server has an address.
    this.#name = name.includes("://") ? serverName(name) || name : null;
  }

  #follow(state: TargetState): void {
    // What the engine said before it heard of the stop is no longer news.
    if (this.#stopAsked && state.state !== "failed") return;
    this.#attempt = state.attempt;
    this.#cause = state.cause;
    if (state.state === "live") this.#liveSince ??= Date.parse(state.at) || this.#now();
    this.#enter(state.state === "stopped" ? "stopping" : state.state);
  }

  #finish(summary: Summary): void {
    const failed = summary.targets.find(({ end }) => end === "failed");
    this.#active = false;
    this.#alarms = [];
    this.#playbackUrl = null;
    if (failed && !this.#stopAsked) {
      this.#cause = failed.cause ?? this.#cause ?? causeHere("unknown");
      this.#summary = this.#liveSince === null ? null : summary;
      this.#enter("failed");
    } else if (this.#liveSince === null) {
      this.#cause = null;
      this.#enter("idle");
    } else {
      this.#cause = null;
      this.#summary = summary;
      this.#enter("ended");
    }
  }

  #reset(): void {
    this.#cause = null;
    this.#attempt = 1;
    this.#started = null;
    this.#stats = null;
    this.#summary = null;
    this.#alarms = [];
    this.#playbackUrl = null;
    this.#liveSince = null;
    this.#elapsed = 0;
    this.#stopAsked = false;
  }

  #enter(phase: Phase): void {
    const before = this.control;
    const was = this.#phase;
    this.#phase = phase;
    if (before !== this.control) {
      this.#confirming = null;
      this.#disarm();
    }
    this.#tick();
    if (this.onAir) this.#ticking ??= setInterval(() => this.#tick(), 1000);
    else {
      clearInterval(this.#ticking);
      this.#ticking = undefined;
    }
    if (was !== phase) this.#changed(was, phase);
  }

  #tick(): void {
    if (this.#liveSince !== null) this.#elapsed = Math.max(0, (this.#now() - this.#liveSince) / 1000);
  }

  #disarm(): void {
    this.#armed = false;
    clearTimeout(this.#arming);
    this.#arming = setTimeout(() => (this.#armed = true), DEAD_TIME_MS);
  }
}
