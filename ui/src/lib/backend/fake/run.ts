import type { Cause } from "$lib/bindings/Cause";
import type { Destination } from "$lib/bindings/Destination";
import type { Settings } from "$lib/bindings/Settings";
import type { StateName } from "$lib/bindings/StateName";
import type { Stats } from "$lib/bindings/Stats";
import type { Summary } from "$lib/bindings/Summary";
import { causeHere } from "$lib/i18n/cause";
import type { OnEvent } from "../backend";

/** How far a fake run goes, and what goes wrong. */
export interface Plan {
  /** The state in which it stays. */
  stay: StateName;
  cause: Cause;
  playback: string | null;
  /** Pictures of a second that are the one before once more. */
  repeats: number;
}

const CONNECT_MS = 600;
const FLUSH_MS = 900;

/** A run that tells the same story as a real one, in the same order. */
export class FakeRun {
  readonly #plan: Plan;
  readonly #emit: OnEvent;
  readonly #settings: Settings;
  readonly #began = Date.now();
  #state: StateName = "connecting";
  #wasLive = false;
  #seconds = 0;
  #timers: ReturnType<typeof setTimeout>[] = [];

  constructor(plan: Plan, destination: Destination, settings: Settings, emit: OnEvent) {
    this.#plan = plan;
    this.#emit = emit;
    this.#settings = settings;
    this.#emit(this.#started(destination));
    this.#enter("connecting", plan.stay === "connecting" ? 2 : 1);
    if (plan.stay !== "connecting") this.#later(CONNECT_MS, () => this.#answer());
  }

  stop(): void {
    this.#clear();
    if (this.#state === "stopping") return this.#over();
    this.#enter("stopping");
    if (this.#plan.stay !== "stopping") this.#later(FLUSH_MS, () => this.#over());
  }

  #answer(): void {
    if (this.#plan.stay === "failed") {
      this.#enter("failed", 1, this.#plan.cause);
      return this.#over();
    }
    this.#enter("live");
    this.#wasLive = true;
    this.#timers.push(setInterval(() => this.#second(), 1000));
    const { playback } = this.#plan;
    if (playback) this.#later(200, () => this.#emit({ event: "playback", target: 0, url: playback }));
    if (this.#plan.stay === "reconnecting")
      this.#later(2500, () => this.#enter("reconnecting", 3, this.#plan.cause));
    if (this.#plan.stay === "stopping") this.#later(1500, () => this.stop());
  }

  #later(milliseconds: number, then: () => void): void {
    this.#timers.push(setTimeout(then, milliseconds));
  }

  #clear(): void {
    this.#timers.forEach((timer) => clearTimeout(timer));
    this.#timers = [];
  }

  #enter(state: StateName, attempt = 1, cause: Cause | null = null): void {
    this.#state = state;
    this.#emit({ event: "state", target: 0, state, attempt, cause, at: new Date().toISOString() });
  }

  #second(): void {
    this.#seconds += 1;
    this.#emit({ event: "stats", ...this.#stats() });
  }

  #over(): void {
    this.#clear();
    if (this.#state === "stopping") this.#enter("stopped");
    this.#emit({ event: "summary", ...this.#summary() });
  }

  #started(destination: Destination) {
    const settings = this.#settings;
    const name = destination.kind === "local" ? "local" : destination.url;
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
        },
      ],
      targets: [{ target: 0, name, encoding: 0 }],
    };
  }

  #stats(): Stats {
    const fps = Number(this.#settings.fps);
    const frames = Math.round(this.#seconds * fps);
    const live = this.#state === "live";
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
      targets: [
        {
          target: 0,
          state: this.#state,
          queue_ms: 12,
          sent_kbps: live ? kbps + Math.round(Math.sin(this.#seconds) * 60) : 0,
          bytes: this.#seconds * kbps * 125,
          dropped: live ? 0 : this.#seconds * 2,
          reconnects: live ? 0 : 1,
        },
      ],
    };
  }

  #summary(): Summary {
    const seconds = this.#wasLive ? (Date.now() - this.#began - CONNECT_MS) / 1000 : 0;
    const frames = Math.round(seconds * Number(this.#settings.fps));
    const failed = this.#state === "failed";
    return {
      duration_s: seconds,
      captured: frames,
      encoded: frames,
      repeated: 0,
      dropped: 0,
      keyframe_s: { min: this.#settings.keyframe_s, max: this.#settings.keyframe_s },
      targets: [
        {
          target: 0,
          end: failed ? "failed" : "ok",
          cause: failed ? this.#plan.cause : null,
          bytes: Math.round(seconds * (this.#settings.video_kbps + this.#settings.audio_kbps) * 125),
          dropped: 0,
          live_s: seconds,
          reconnects: 0,
          gaps: [],
        },
      ],
      recording: null,
    };
  }
}
