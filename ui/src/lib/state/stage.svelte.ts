import { causeOf, type Backend } from "$lib/backend/backend";
import type { Camera } from "$lib/bindings/Camera";
import type { Cause } from "$lib/bindings/Cause";
import type { Devices } from "$lib/bindings/Devices";
import type { Encoder } from "$lib/bindings/Encoder";
import type { Event } from "$lib/bindings/Event";
import type { Microphone } from "$lib/bindings/Microphone";
import type { Settings } from "$lib/bindings/Settings";
import type { Snapshot } from "$lib/bindings/Snapshot";
import type { Source } from "$lib/bindings/Source";

const closed = (): Source => ({ id: "none", name: "", state: "off", mode: null, cause: null });

/** A device that failed is tried again by itself every few seconds: that is no news until it works. */
function settled(before: Source, now: Source): Source {
  const again = before.state === "failed" && now.state === "opening" && before.id === now.id;
  return again ? before : now;
}

/** Looking takes milliseconds when nothing has changed: said that shortly, a press would seem to do nothing. */
const SEEN_MS = 500;

/** What exists before, during and between runs: devices, sources, and what a run would encode. */
export class StageState {
  readonly #backend: Backend;
  #cameras = $state.raw<Camera[]>([]);
  #microphones = $state.raw<Microphone[]>([]);
  #encoders = $state.raw<Encoder[]>([]);
  #camera = $state.raw<Source>(closed());
  #microphone = $state.raw<Source>(closed());
  #muted = $state(false);
  #settings = $state.raw<Settings | null>(null);
  #looking = $state(false);
  #problem = $state.raw<{ of: "settings" | "device"; cause: Cause } | null>(null);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get cameras(): readonly Camera[] {
    return this.#cameras;
  }
  get microphones(): readonly Microphone[] {
    return this.#microphones;
  }
  get encoders(): readonly Encoder[] {
    return this.#encoders;
  }
  get camera(): Source {
    return this.#camera;
  }
  get microphone(): Source {
    return this.#microphone;
  }
  get muted(): boolean {
    return this.#muted;
  }
  /** Null until the engine has told. */
  get settings(): Settings | null {
    return this.#settings;
  }
  /** The last wish that the engine did not grant. */
  get problem(): { of: "settings" | "device"; cause: Cause } | null {
    return this.#problem;
  }
  /** Devices are looked for because somebody asked. */
  get looking(): boolean {
    return this.#looking;
  }

  load(snapshot: Snapshot): void {
    this.#list(snapshot.devices);
    this.#settings = snapshot.settings;
    this.#camera = snapshot.stage.camera;
    this.#microphone = snapshot.stage.microphone;
    this.#muted = snapshot.stage.muted;
  }

  apply(event: Event): void {
    switch (event.event) {
      case "devices":
        this.#list(event);
        break;
      case "stage":
        this.#camera = settled(this.#camera, event.camera);
        this.#microphone = settled(this.#microphone, event.microphone);
        this.#muted = event.muted;
    }
  }

  #list(devices: Devices): void {
    this.#cameras = devices.cameras;
    this.#microphones = devices.microphones;
    this.#encoders = devices.encoders;
  }

  chooseCamera(id: string): Promise<boolean> {
    return this.#wish("device", () => this.#backend.chooseCamera(id));
  }

  chooseMicrophone(id: string): Promise<boolean> {
    return this.#wish("device", () => this.#backend.chooseMicrophone(id));
  }

  /**
   * Looks for devices again and lets the engine open what had failed. Choosing it from here would end the
   * engine's own search for a device that was lost.
   */
  async lookAgain(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const seen = new Promise((resolve) => setTimeout(resolve, SEEN_MS));
    await this.#wish("device", () => this.#backend.refreshDevices());
    await seen;
    this.#looking = false;
  }

  toggleMute(): Promise<boolean> {
    return this.#wish("device", () => this.#backend.setMuted(!this.#muted));
  }

  /** Shown at once; taken back when the engine refuses. */
  async changeSettings(change: Partial<Settings>): Promise<boolean> {
    const before = this.#settings;
    if (!before) return false;
    const wanted = { ...before, ...change };
    this.#settings = wanted;
    const granted = await this.#wish("settings", () => this.#backend.setSettings(wanted));
    if (!granted && this.#settings === wanted) this.#settings = before;
    return granted;
  }

  dismissProblem(): void {
    this.#problem = null;
  }

  async #wish(of: "settings" | "device", call: () => Promise<void>): Promise<boolean> {
    try {
      await call();
      this.#problem = null;
      return true;
    } catch (error) {
      this.#problem = { of, cause: causeOf(error) };
      return false;
    }
  }
}
