import type { Destination } from "$lib/bindings/Destination";
import type { Event } from "$lib/bindings/Event";
import type { Settings } from "$lib/bindings/Settings";
import type { Snapshot } from "$lib/bindings/Snapshot";
import type { StateName } from "$lib/bindings/StateName";
import type { Backend, OnEvent, Picture } from "../backend";
import { causeHere } from "$lib/i18n/cause";
import { cameras, encoders, microphones, settings, stageWith } from "./devices";
import { nextPicture } from "./picture";
import { FakeRun } from "./run";

const LEVEL_MS = 100;
const stays: Record<string, StateName> = {
  connecting: "connecting",
  reconnecting: "reconnecting",
  stopping: "stopping",
  failed: "failed",
};

/**
 * An engine without devices, for a plain browser and for tests. The address says what it pretends:
 *
 * - `state` = ready | connecting | live | reconnecting | stopping | failed: how far a run goes; every one but
 *   `ready` goes live by itself
 * - `fault` = no-camera | camera-busy | camera-denied | no-microphone | microphone-denied | no-mse | no-codecs |
 *   any cause code for `state=failed` and `state=reconnecting`
 * - `to` = an RTMP address in place of this computer
 * - `playback` = the address that the run plays back at
 * - `lang` = en | ko, as `TAMARACK_LANG`
 * - `levels` = quiet | silent | loud
 * - `repeats` = how many of the pictures of a second the camera does not deliver
 * - `close` = any: the window's cross is pressed after 3 s
 */
export class Fake implements Backend {
  readonly #query: URLSearchParams;
  readonly #snapshot: Snapshot;
  #emit: OnEvent = () => undefined;
  #run: FakeRun | null = null;
  #peak: number | null = null;

  constructor(query = new URLSearchParams()) {
    this.#query = query;
    const fault = query.get("fault") ?? "";
    this.#snapshot = {
      devices: {
        cameras: fault === "no-camera" ? [] : cameras,
        microphones: fault === "no-microphone" ? [] : microphones,
        encoders,
      },
      stage: stageWith(fault),
      settings,
      run: null,
      language: query.get("lang"),
    };
  }

  snapshot(): Promise<Snapshot> {
    return Promise.resolve(structuredClone(this.#snapshot));
  }

  subscribe(onEvent: OnEvent): Promise<void> {
    this.#emit = onEvent;
    setInterval(() => this.#level(), LEVEL_MS);
    if (this.#query.has("close")) setTimeout(() => this.#tell({ event: "close-asked" }), 3000);
    const to = this.#query.get("to");
    const state = this.#query.get("state") ?? "ready";
    if (state !== "ready") {
      const destination: Destination = to ? { kind: "url", url: to, key: "k" } : { kind: "local" };
      setTimeout(() => void this.goLive([destination]), 100);
    }
    return Promise.resolve();
  }

  nextPicture(width: number, height: number): Promise<Picture> {
    const { settings: encoded, stage } = this.#snapshot;
    if (stage.camera.state !== "running") return Promise.reject(new Error("no picture"));
    const fit = Math.min(width / encoded.width, height / encoded.height);
    return nextPicture(Math.round(encoded.width * fit), Math.round(encoded.height * fit));
  }

  refreshDevices(): Promise<void> {
    return Promise.resolve();
  }

  chooseCamera(id: string): Promise<void> {
    const name = cameras.find((camera) => camera.id === id)?.name ?? id;
    const { stage } = this.#snapshot;
    stage.camera = { id, name, state: id === "none" ? "off" : "running", mode: null, cause: null };
    return this.#staged();
  }

  chooseMicrophone(id: string): Promise<void> {
    const name = microphones.find((microphone) => microphone.id === id)?.name ?? id;
    const { stage } = this.#snapshot;
    stage.microphone = { id, name, state: id === "none" ? "off" : "running", mode: null, cause: null };
    return this.#staged();
  }

  setMuted(muted: boolean): Promise<void> {
    this.#snapshot.stage.muted = muted;
    return this.#staged();
  }

  setSettings(wanted: Settings): Promise<void> {
    this.#snapshot.settings = { ...wanted };
    return Promise.resolve();
  }

  goLive(destinations: Destination[]): Promise<void> {
    const plan = {
      stay: stays[this.#query.get("state") ?? ""] ?? "live",
      cause: causeHere(
        this.#query.get("fault") ?? "connection-lost",
        "203.0.113.7:1935 said so (os error 0)",
        { answer: "NetStream.Publish.Denied", name: "h264_nvenc" },
      ),
      playback: this.#query.get("playback"),
      repeats: Number(this.#query.get("repeats") ?? 0),
    };
    this.#run = new FakeRun(plan, destinations, this.#snapshot.settings, (event) => this.#tell(event));
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#run?.stop();
    return Promise.resolve();
  }

  addTarget(destination: Destination): Promise<number[]> {
    const target = this.#run?.add(destination);
    return target === undefined ? Promise.reject(causeHere("not-live")) : Promise.resolve([target]);
  }

  stopTarget(target: number): Promise<void> {
    this.#run?.stopTarget(target);
    return Promise.resolve();
  }

  closeAnswered(): Promise<void> {
    return Promise.resolve();
  }

  async quit(): Promise<void> {
    await this.stop();
  }

  setLanguage(): Promise<void> {
    return Promise.resolve();
  }

  fetchThrough(url: string): string {
    return url;
  }

  #tell(event: Event): void {
    this.#emit(structuredClone(event));
  }

  #staged(): Promise<void> {
    this.#tell({ event: "stage", ...this.#snapshot.stage });
    return Promise.resolve();
  }

  #level(): void {
    const { microphone, muted } = this.#snapshot.stage;
    if (microphone.state !== "running") return;
    const base = { quiet: -50, silent: -100, loud: -6 }[this.#query.get("levels") ?? ""] ?? -17;
    const swing = base > -90 ? Math.sin(performance.now() / 180) * 5 : 0;
    const peak = muted ? -100 : base + swing;
    // As the engine does: what does not change is told once.
    if (peak === this.#peak) return;
    this.#peak = peak;
    this.#tell({ event: "level", peak_dbfs: [peak, peak - 1.5] });
  }
}
