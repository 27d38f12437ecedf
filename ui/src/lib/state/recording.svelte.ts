import { causeOf, type Backend } from "$lib/backend/backend";
import type { Cause } from "$lib/bindings/Cause";
import type { Event } from "$lib/bindings/Event";
import type { RecordingQuality } from "$lib/bindings/RecordingQuality";
import type { RecordingStats } from "$lib/bindings/RecordingStats";
import type { Repaired } from "$lib/bindings/Repaired";
import type { Run } from "$lib/bindings/Run";
import type { Preferences } from "./preferences.svelte";

export type RecordingPhase = "off" | "starting" | "on" | "stopping";

/** The recording: a switch of its own, which works with and without a broadcast. */
export class RecordingState {
  readonly #backend: Backend;
  readonly #preferences: Preferences;
  readonly #told: (over: "ended" | "failed" | "began") => void;

  #phase = $state<RecordingPhase>("off");
  #file = $state<string | null>(null);
  #stats = $state.raw<RecordingStats | null>(null);
  /** Why it did not begin, or what ended it. */
  #problem = $state.raw<Cause | null>(null);
  #usual = $state("");
  #broken = $state.raw<readonly string[]>([]);
  #repairing = $state<string | null>(null);
  #repaired = $state.raw<Repaired | null>(null);
  #unmended = $state.raw<{ file: string; cause: Cause } | null>(null);
  #cutting = $state(false);
  /** How many parts were cut out for the audience. */
  #cut = $state<number | null>(null);

  constructor(
    backend: Backend,
    preferences: Preferences,
    told: (over: "ended" | "failed" | "began") => void = () => undefined,
  ) {
    this.#backend = backend;
    this.#preferences = preferences;
    this.#told = told;
  }

  get phase(): RecordingPhase {
    return this.#phase;
  }
  /** Something is written, or will be in a moment. */
  get on(): boolean {
    return this.#phase === "on" || this.#phase === "stopping";
  }
  get file(): string | null {
    return this.#file;
  }
  get stats(): RecordingStats | null {
    return this.on ? this.#stats : null;
  }
  get problem(): Cause | null {
    return this.#problem;
  }
  get folder(): string {
    return this.#preferences.stored.recordTo ?? this.#usual;
  }
  get quality(): RecordingQuality {
    return this.#preferences.stored.recordQuality;
  }
  /** Recordings that a crash cut off, and that nobody has decided on. */
  get broken(): readonly string[] {
    return this.#broken;
  }
  get repairing(): string | null {
    return this.#repairing;
  }
  get repaired(): Repaired | null {
    return this.#repaired;
  }
  get unmended(): { file: string; cause: Cause } | null {
    return this.#unmended;
  }
  get cutting(): boolean {
    return this.#cutting;
  }
  get cut(): number | null {
    return this.#cut;
  }

  /** Takes up a recording that was on before this page was loaded, and looks for broken ones. */
  async load(run: Run | null): Promise<void> {
    if (run?.recording?.state === "recording") {
      this.#phase = "on";
      this.#file = run.recording.file;
      this.#stats = run.stats?.recording ?? null;
    }
    try {
      const { folder, broken } = await this.#backend.recordings();
      this.#usual = folder;
      this.#broken = broken;
    } catch (error) {
      this.#problem = causeOf(error);
    }
  }

  apply(event: Event): void {
    if (event.event === "recording" && event.state === "recording") {
      if (!this.on) this.#told("began");
      if (this.#phase !== "stopping") this.#phase = "on";
      this.#file = event.file;
    } else if (event.event === "recording") {
      this.#phase = "off";
      this.#problem = event.cause;
      this.#told(event.state === "failed" ? "failed" : "ended");
    } else if (event.event === "stats") {
      this.#stats = event.recording;
    } else if (event.event === "summary") {
      this.#phase = "off";
    } else if (event.event === "started") {
      this.#cut = null;
    }
  }

  useFolder(folder: string): void {
    this.#preferences.useRecording(folder.trim() === "" ? null : folder.trim(), this.quality);
  }

  useQuality(quality: RecordingQuality): void {
    this.#preferences.useRecording(this.#preferences.stored.recordTo, quality);
  }

  /** A press on the switch. */
  toggle(): void {
    if (this.#phase === "off") void this.#start();
    else if (this.#phase === "on") void this.#stop();
  }

  async repair(file: string): Promise<void> {
    this.#repairing = file;
    this.#unmended = null;
    try {
      this.#repaired = await this.#backend.repairRecording(file);
      this.#forget(file);
    } catch (error) {
      this.#unmended = { file, cause: causeOf(error) };
    }
    this.#repairing = null;
  }

  /** It is offered again at the next start. */
  notNow(file: string): void {
    this.#forget(file);
  }

  dismiss(): void {
    this.#problem = null;
    this.#repaired = null;
  }

  async cutMissed(list: string): Promise<void> {
    this.#cutting = true;
    try {
      this.#cut = (await this.#backend.cutMissed(list)).length;
    } catch (error) {
      this.#problem = causeOf(error);
    }
    this.#cutting = false;
  }

  #forget(file: string): void {
    this.#broken = this.#broken.filter((one) => one !== file);
    if (this.#unmended?.file === file) this.#unmended = null;
  }

  async #start(): Promise<void> {
    this.dismiss();
    this.#stats = null;
    this.#phase = "starting";
    try {
      await this.#backend.startRecording({ folder: this.folder, quality: this.quality });
    } catch (error) {
      this.#problem = causeOf(error);
      this.#phase = "off";
    }
  }

  async #stop(): Promise<void> {
    this.#phase = "stopping";
    try {
      await this.#backend.stopRecording();
    } catch (error) {
      this.#problem = causeOf(error);
      this.#phase = "on";
    }
  }
}
