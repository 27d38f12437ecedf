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
import { asked, followed, isOver, joined, phaseOf, tellingOf, type Phase, type RunTarget } from "./targets";

export type { Phase, RunTarget } from "./targets";

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
export type Question = "live" | "end" | "quit" | "add" | "stop-target";

/** Who wants to know of changes. */
export interface Listener {
  phase?: (before: Phase, now: Phase) => void;
  target?: (before: RunTarget, now: RunTarget) => void;
}

/** A target that the engine told of before it told its name. */
const unannounced = (target: number) => ({
  target,
  name: "",
  encoding: 0,
  role: "primary",
  of: null,
  connection: null,
});

/** One run, from the press on Go live to its summary. */
export class RunState {
  readonly #backend: Backend;
  readonly #listener: Listener;
  readonly #now: () => number;

  #phase = $state<Phase>("idle");
  #attempt = $state(1);
  #cause = $state.raw<Cause | null>(null);
  /** The engine has a run; it may have failed and still be closing. */
  #active = $state(false);
  #confirming = $state<Question | null>(null);
  #armed = $state(true);
  #elapsed = $state(0);
  #targets = $state.raw<readonly RunTarget[]>([]);
  #started = $state.raw<Started | null>(null);
  #stats = $state.raw<Stats | null>(null);
  #summary = $state.raw<Summary | null>(null);
  #alarms = $state.raw<Alarm[]>([]);
  #playbackUrl = $state<string | null>(null);

  /** The last wish about one target that the engine did not grant. */
  #problem = $state.raw<Cause | null>(null);
  #askedTarget = $state<number | null>(null);

  /** A recording keeps the engine's run on, with targets or without. */
  #kept = $state(false);
  /** The targets are over and told of; only the recording's end is still to come. */
  #leftAlready = false;

  #destinations: readonly Destination[] = [];
  #names = $state.raw<readonly (string | null)[]>([]);
  #liveSince = $state<number | null>(null);
  #stopAsked = false;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #arming: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend, listener: Listener = {}, now: () => number = Date.now) {
    this.#backend = backend;
    this.#listener = listener;
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
  /** A broadcast can begin: nothing is on, or nothing but a recording. */
  get free(): boolean {
    return !this.#active || (this.#kept && this.#targets.every(isOver));
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
  /** The first target's name; null is this computer. */
  get name(): string | null {
    return this.#targets[0]?.name ?? null;
  }
  get targets(): readonly RunTarget[] {
    return this.#targets;
  }
  /** Targets that get the stream now. */
  get liveCount(): number {
    return this.#targets.filter(({ state }) => state === "live").length;
  }
  /** Names of what a question asks about; null is this computer. */
  get askedNames(): readonly (string | null)[] {
    if (this.#confirming !== "stop-target") return this.#names;
    return [this.#targets.find(({ target }) => target === this.#askedTarget)?.name ?? null];
  }
  get problem(): Cause | null {
    return this.#problem;
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
    this.#kept = run.recording?.state === "recording";
    run.states.forEach((state) => this.apply({ event: "state", ...state }));
    this.#stats = run.stats;
    this.#playbackUrl = run.playback[0]?.url ?? null;
  }

  apply(event: Event): void {
    switch (event.event) {
      case "started":
        this.#begin(event);
        break;
      case "target":
        this.#targets = [...this.#targets.filter(({ target }) => target !== event.target), joined(event)];
        break;
      case "state":
        this.#follow(event);
        break;
      case "playback":
        // The first that can be watched; not every target can.
        this.#playbackUrl ??= event.url;
        break;
      case "stats":
        this.#stats = event;
        break;
      case "recording":
        this.#kept = event.state === "recording";
        break;
      case "alarm":
        this.#alarms = this.#alarms.filter((alarm) => alarm.code !== event.code);
        if (event.until === null) this.#alarms = [...this.#alarms, event];
        break;
      case "summary":
        this.#finish(event);
    }
  }

  /** A press on Go live. Only what others can watch is asked about once more. */
  requestLive(destinations: readonly Destination[], names: readonly (string | null)[] = []): void {
    if (!this.#armed || !this.free || this.control !== "start" || destinations.length === 0) return;
    this.#wish(destinations, names);
    if (destinations.every(({ kind }) => kind === "local")) void this.#goLive();
    else this.#ask("live");
  }

  /** A further target for the run that is on. */
  requestAdd(destination: Destination, name: string | null): void {
    if (!this.#armed || !this.onAir || this.#confirming) return;
    this.#wish([destination], [name]);
    if (destination.kind === "local") void this.#add();
    else this.#ask("add");
  }

  /** One target shall end while the others go on; one that is ending already ends at once. */
  requestStopTarget(target: number): void {
    const found = this.#targets.find((one) => one.target === target);
    if (!this.#armed || !found || isOver(found)) return;
    this.#askedTarget = target;
    if (found.state === "stopping") void this.#stopTarget();
    else this.#ask("stop-target");
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
    if (asked === "add") void this.#add();
    if (asked === "stop-target") void this.#stopTarget();
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
    this.#wish([], []);
  }

  dismissProblem(): void {
    this.#problem = null;
  }

  /** The cards of the last run have been read. */
  clear(): void {
    if (!this.free || !["idle", "ended", "failed"].includes(this.#phase)) return;
    this.#summary = null;
    this.#cause = null;
    this.#enter("idle");
  }

  #wish(destinations: readonly Destination[], names: readonly (string | null)[]): void {
    this.#destinations = destinations;
    this.#names = asked(destinations, names).map(({ name }) => name);
  }

  #ask(what: Question): void {
    this.#confirming = what;
    this.#disarm();
  }

  async #goLive(): Promise<void> {
    const joins = this.#active;
    this.#reset(joins);
    this.#active = true;
    // Beside a recording the engine gives them other positions than these.
    this.#targets = joins ? [] : asked(this.#destinations, this.#names);
    this.#enter("starting");
    try {
      const going = this.#backend.goLive([...this.#destinations]);
      // The key is with the engine now; nothing here needs it any more.
      this.#wish([], []);
      await going;
    } catch (error) {
      this.#active = joins && this.#kept;
      this.#cause = causeOf(error);
      this.#enter("failed");
    }
  }

  async #add(): Promise<void> {
    const [destination] = this.#destinations;
    this.#wish([], []);
    if (!destination) return;
    await this.#try(() => this.#backend.addTarget(destination));
  }

  async #stopTarget(): Promise<void> {
    const target = this.#askedTarget;
    if (target === null) return;
    // With its last target the run ends, and then it was asked for.
    if (this.#targets.every((one) => one.target === target || isOver(one))) this.#stopAsked = true;
    await this.#try(() => this.#backend.stopTarget(target));
  }

  async #try(call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
      this.#problem = null;
    } catch (error) {
      this.#problem = causeOf(error);
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
      if (!this.#kept) await this.#backend.stop();
      else await Promise.all(this.#onTargets().map(({ target }) => this.#backend.stopTarget(target)));
    } catch (error) {
      this.#cause = causeOf(error);
    }
  }

  #onTargets(): RunTarget[] {
    return this.#targets.filter((target) => !isOver(target));
  }

  #begin(started: Started): void {
    if (started.targets.length === 0) {
      this.#reset(false);
      this.#enter("idle");
    }
    this.#active = true;
    this.#started = started;
    this.#targets = started.targets.map(joined);
  }

  #follow(state: TargetState): void {
    const at = this.#targets.findIndex(({ target }) => target === state.target);
    const before = this.#targets[at] ?? joined(unannounced(state.target));
    const now = followed(before, state);
    this.#targets = at < 0 ? [...this.#targets, now] : this.#targets.with(at, now);
    if (isOver(now) && this.#confirming === "stop-target" && this.#askedTarget === now.target)
      this.#confirming = null;
    if (state.state === "live") this.#liveSince ??= Date.parse(state.at) || this.#now();
    this.#told();
    if (before.state !== now.state && !this.#stopAsked) this.#listener.target?.(before, now);
  }

  /** What the targets do makes the run's phase. */
  #told(): void {
    if (this.#kept && this.#targets.every(isOver)) return this.#left();
    const phase = phaseOf(this.#targets, this.wasLive);
    // What the engine said before it heard of the stop is no longer news.
    if (this.#stopAsked && phase !== "failed") return;
    const telling = tellingOf(this.#targets, phase);
    this.#attempt = telling?.attempt ?? 1;
    this.#cause = telling?.cause ?? null;
    this.#enter(phase);
  }

  /** All targets are over, and the recording goes on: its end will be the run's. */
  #left(): void {
    this.#leftAlready = true;
    const failed = this.#targets.find(({ state }) => state === "failed");
    this.#playbackUrl = null;
    this.#cause = this.#stopAsked ? null : (failed?.cause ?? null);
    if (failed && !this.#stopAsked) this.#enter("failed");
    else this.#enter(this.wasLive ? "ended" : "idle");
  }

  #finish(summary: Summary): void {
    const failed = summary.targets.find(({ end }) => end === "failed");
    this.#active = false;
    this.#kept = false;
    this.#alarms = [];
    this.#playbackUrl = null;
    if (this.#leftAlready || summary.targets.length === 0) {
      this.#summary = summary;
      if (this.#phase === "stopping") this.#enter("ended");
      return;
    }
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

  /** `joins` a run that goes on. */
  #reset(joins: boolean): void {
    this.#cause = null;
    this.#attempt = 1;
    if (!joins) {
      this.#started = null;
      this.#stats = null;
      this.#alarms = [];
    }
    this.#summary = null;
    this.#playbackUrl = null;
    this.#problem = null;
    this.#liveSince = null;
    this.#elapsed = 0;
    this.#stopAsked = false;
    this.#leftAlready = false;
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
    if (was !== phase) this.#listener.phase?.(was, phase);
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
