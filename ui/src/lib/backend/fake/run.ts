import type { Cause } from "$lib/bindings/Cause";
import type { Connection } from "$lib/bindings/Connection";
import type { Destination } from "$lib/bindings/Destination";
import type { Recording } from "$lib/bindings/Recording";
import type { RecordingState } from "$lib/bindings/RecordingState";
import type { RecordingStats } from "$lib/bindings/RecordingStats";
import type { RecordingSummary } from "$lib/bindings/RecordingSummary";
import type { Settings } from "$lib/bindings/Settings";
import type { StateName } from "$lib/bindings/StateName";
import type { Stats } from "$lib/bindings/Stats";
import type { Summary } from "$lib/bindings/Summary";
import type { Target } from "$lib/bindings/Target";
import { causeHere } from "$lib/i18n/cause";
import { t } from "$lib/i18n/i18n.svelte";
import type { OnEvent } from "../backend";

/** How far a fake run goes, and what goes wrong. */
export interface Plan {
  /** The state in which it stays. */
  stay: StateName;
  cause: Cause;
  playback: string | null;
  /** Pictures of a second that are the one before once more. */
  repeats: number;
  /** Which of its servers each target is live at. */
  server: number;
  /** Seconds that viewers missed. */
  missed: number;
  /** What happens to other targets than the first, by position: `failed` or `reconnecting`. */
  trouble: ReadonlyMap<number, StateName>;
}

const FILE = "/home/mina/Videos/Tamarack/Sunday service 2026-11-29 10-30-00.mp4";
const CONNECT_MS = 600;
const FLUSH_MS = 900;

interface FakeTarget extends Omit<Target, "target" | "encoding"> {
  state: StateName;
  wasLive: boolean;
}

/** What another target than the first is refused with. */
const refusal = causeHere("rtmp-refused", "NetStream.Publish.Denied", { answer: "NetStream.Publish.Denied" });

const OVER: readonly StateName[] = ["stopped", "failed"];

/** A run that tells the same story as a real one, in the same order. What is planned happens to its first target. */
export class FakeRun {
  readonly #connections: readonly Connection[];
  readonly #plan: Plan;
  readonly #emit: OnEvent;
  readonly #settings: Settings;
  readonly #began = Date.now();
  readonly #targets: FakeTarget[];
  #seconds = 0;
  /** The second in which a recording began, while one is on. */
  #recordedSince: number | null = null;
  #lastRecorded: RecordingStats | null = null;
  #ticking = false;
  /** Seconds that the disk lasts. */
  readonly left: number;
  #ended = false;
  #timers: ReturnType<typeof setTimeout>[] = [];

  constructor(
    plan: Plan,
    destinations: Destination[],
    connections: readonly Connection[],
    settings: Settings,
    emit: OnEvent,
    left = 5 * 3600,
  ) {
    this.left = left;
    this.#connections = connections;
    this.#plan = plan;
    this.#emit = emit;
    this.#settings = settings;
    // The first ingest of each keeps its place, the others stand behind.
    const all = destinations.map((destination) => targetsFor(destination, connections));
    this.#targets = all.flatMap((of) => of.slice(0, 1));
    all.forEach((of, at) => this.#targets.push(...of.slice(1).map((one) => ({ ...one, of: at }))));
    this.#emit(this.#started());
    this.#targets.forEach((_, target) => this.#connect(target));
  }

  /** The positions of the targets that join; none when the run is over. */
  add(destination: Destination): number[] {
    if (this.#ended) return [];
    const first = this.#targets.length;
    return targetsFor(destination, this.#connections).map((joins, at) => {
      const target = this.#targets.push({ ...joins, of: at === 0 ? null : first }) - 1;
      this.#emit({ event: "target", ...this.#target(target) });
      this.#connect(target);
      return target;
    });
  }

  get recorded(): boolean {
    return this.#recordedSince !== null;
  }

  get ended(): boolean {
    return this.#ended;
  }

  record(): void {
    this.#recordedSince = this.#seconds;
    this.#tick();
    this.#emit({ event: "recording", ...this.#recording("recording") });
    const since = new Date().toISOString();
    if (this.left < 600)
      this.#emit({
        event: "alarm",
        code: "disk-low",
        message: t("alarm.disk-low", { minutes: Math.floor(this.left / 60) }),
        since,
        until: null,
      });
  }

  stopRecording(cause: Cause | null = null): void {
    if (this.#recordedSince === null) return;
    this.#lastRecorded = this.#recorded();
    this.#emit({ event: "recording", ...this.#recording(cause ? "failed" : "ended"), cause });
    this.#recordedSince = null;
    if (this.#on().length === 0) this.#over();
  }

  stop(): void {
    const again = this.#on().every(([{ state }]) => state === "stopping");
    this.#clear();
    if (again) return this.#over();
    this.#on().forEach(([, target]) => this.#enter(target, "stopping"));
    if (this.#plan.stay !== "stopping") this.#later(FLUSH_MS, () => this.#over());
  }

  stopTarget(target: number): void {
    const state = this.#targets[target]?.state;
    if (state === undefined || OVER.includes(state)) return;
    if (state === "stopping") return this.#end(target, "stopped");
    this.#enter(target, "stopping");
    this.#later(FLUSH_MS, () => this.#end(target, "stopped"));
  }

  /** The targets that are not over, with their positions. */
  #on(): [FakeTarget, number][] {
    const all = this.#targets.map((target, at): [FakeTarget, number] => [target, at]);
    return all.filter(([{ state }]) => !OVER.includes(state));
  }

  #connect(target: number): void {
    const planned = target === 0 && this.#plan.stay === "connecting";
    this.#enter(target, "connecting", planned ? 2 : 1);
    if (!planned) this.#later(CONNECT_MS, () => this.#answer(target));
  }

  #answer(target: number): void {
    const { cause, playback, stay } = this.#plan;
    const found = this.#targets[target];
    if (found?.state !== "connecting") return;
    if (target === 0 && stay === "failed") return this.#end(target, "failed", cause);
    this.#enter(target, "live");
    this.#tick();
    found.wasLive = true;
    const trouble = this.#plan.trouble.get(target);
    if (trouble === "failed") this.#later(1200, () => this.#end(target, "failed", refusal));
    else if (trouble) this.#later(1200, () => this.#enter(target, trouble, 3, cause));
    if (target !== 0) return;
    if (playback) this.#later(200, () => this.#emit({ event: "playback", target, url: playback }));
    if (stay === "reconnecting") this.#later(2500, () => this.#enter(target, "reconnecting", 3, cause));
    if (stay === "stopping") this.#later(1500, () => this.stop());
  }

  #tick(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.#timers.push(setInterval(() => this.#second(), 1000));
  }

  #recording(state: RecordingState): Recording {
    const { duration_s, bytes } = this.#recorded() ?? { duration_s: 0, bytes: 0 };
    return { state, file: FILE, duration_s, bytes, cause: null, at: new Date().toISOString() };
  }

  #recorded(): RecordingStats | null {
    if (this.#recordedSince === null) return null;
    const duration_s = this.#seconds - this.#recordedSince;
    const bytes = duration_s * (this.#settings.video_kbps + this.#settings.audio_kbps) * 125;
    const left_s = this.left - duration_s;
    return { file: FILE, duration_s, bytes, lost: 0, waiting_bytes: 0, free_bytes: 1e10, left_s };
  }

  #later(milliseconds: number, then: () => void): void {
    this.#timers.push(setTimeout(then, milliseconds));
  }

  #clear(): void {
    this.#timers.forEach((timer) => clearTimeout(timer));
    this.#timers = [];
  }

  #enter(target: number, state: StateName, attempt = 1, cause: Cause | null = null): void {
    const found = this.#targets[target];
    if (!found || OVER.includes(found.state)) return;
    found.state = state;
    this.#emit({
      event: "state",
      target,
      state,
      attempt,
      server: state === "live" ? this.#plan.server : null,
      cause,
      at: new Date().toISOString(),
    });
  }

  /** The last one's end is the run's. */
  #end(target: number, state: StateName, cause: Cause | null = null): void {
    this.#enter(target, state, 1, cause);
    if (this.#on().length === 0 && !this.recorded) this.#over();
  }

  #second(): void {
    this.#seconds += 1;
    this.#emit({ event: "stats", ...this.#stats() });
  }

  #over(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#clear();
    this.#on().forEach(([, target]) => this.#enter(target, "stopped"));
    const recorded = this.#recorded();
    this.#recordedSince = null;
    if (recorded) this.#lastRecorded = recorded;
    this.#emit({ event: "summary", ...this.#summary() });
  }

  #started() {
    const settings = this.#settings;
    return {
      event: "started" as const,
      run: "fake",
      encodings: [
        {
          id: 0,
          encoder: "libx264",
          reason: "software; this hardware did not work: h264_nvenc",
          cause: causeHere("encoder-hardware-refused", "", { names: "h264_nvenc" }),
          width: settings.width,
          height: settings.height,
          fps: Number(settings.fps),
          video_kbps: settings.video_kbps,
          audio_kbps: settings.audio_kbps,
          keyframe_s: settings.keyframe_s,
          lowered: [],
        },
      ],
      targets: this.#targets.map((_, target) => this.#target(target)),
    };
  }

  #target(target: number): Target {
    const { name = "", role = "primary", of = null, connection = null } = this.#targets[target] ?? {};
    return { target, name, encoding: 0, role, of, connection };
  }

  #stats(): Stats {
    const fps = Number(this.#settings.fps);
    const frames = Math.round(this.#seconds * fps);
    const kbps = this.#settings.video_kbps + this.#settings.audio_kbps;
    return {
      at: new Date().toISOString(),
      fps_captured: fps - this.#plan.repeats,
      fps_encoded: fps,
      video_kbps: this.#settings.video_kbps + Math.round(Math.sin(this.#seconds) * 60),
      audio_kbps: this.#settings.audio_kbps,
      captured: frames,
      encoded: frames,
      repeated: this.#seconds * this.#plan.repeats,
      sound_lost_ms: 0,
      dropped: 0,
      cpu_percent: 42,
      targets: this.#targets.map(({ state }, target) => {
        const live = state === "live";
        return {
          target,
          state,
          queue_ms: live ? 12 + target * 31 : 900,
          sent_kbps: live ? kbps + Math.round(Math.sin(this.#seconds) * 60) : 0,
          bytes: this.#seconds * kbps * 125,
          dropped: live ? 0 : this.#seconds * 2,
          reconnects: live ? 0 : 1,
          server: this.#plan.server,
          rtt_ms: live ? 18.4 : null,
          acknowledged: this.#seconds * kbps * 124,
          retransmitted: 0,
        };
      }),
      recording: this.#recorded(),
    };
  }

  #summary(): Summary {
    const seconds = this.#targets.some(({ wasLive }) => wasLive)
      ? (Date.now() - this.#began - CONNECT_MS) / 1000
      : 0;
    const frames = Math.round(seconds * Number(this.#settings.fps));
    return {
      duration_s: seconds,
      captured: frames,
      encoded: frames,
      repeated: 0,
      dropped: 0,
      keyframe_s: { min: this.#settings.keyframe_s, max: this.#settings.keyframe_s },
      targets: this.#targets.map(({ state }, target) => ({
        target,
        end: state === "failed" ? "failed" : "ok",
        cause: state === "failed" ? this.#plan.cause : null,
        bytes: Math.round(seconds * (this.#settings.video_kbps + this.#settings.audio_kbps) * 125),
        dropped: 0,
        live_s: seconds,
        reconnects: 0,
        failovers: this.#plan.server,
        gaps: this.#plan.missed > 0 ? [{ from: "", to: "", lost_s: this.#plan.missed }] : [],
      })),
      recording: this.#recordingSummary(),
    };
  }

  #recordingSummary(): RecordingSummary | null {
    const { duration_s, bytes } = this.#lastRecorded ?? {};
    if (duration_s === undefined || bytes === undefined) return null;
    const at = new Date().toISOString();
    const pieces = [{ file: FILE, from_s: 1, to_s: 9 }];
    const missed = this.#plan.stay === "reconnecting" ? [{ target: 0, from: at, to: at, pieces }] : [];
    return {
      file: FILE,
      duration_s,
      end: "ok",
      files: [{ file: FILE, begins: at, duration_s, bytes }],
      bytes,
      lost: 0,
      cause: null,
      missed,
      missed_file: missed.length > 0 ? FILE.replace(".mp4", ".missed.json") : null,
    };
  }
}

function targetsFor(destination: Destination, connections: readonly Connection[]): FakeTarget[] {
  const target = (name: string, role = "primary", connection: string | null = null): FakeTarget => ({
    name,
    role,
    of: null,
    connection,
    state: "connecting",
    wasLive: false,
  });
  if (destination.kind === "local") return [target("local")];
  if (destination.kind === "url") return [target(destination.url)];
  const found = connections.find(({ id }) => id === destination.id);
  return (found?.ingests ?? []).map(({ role }) => target(found?.name ?? "", role, destination.id));
}
