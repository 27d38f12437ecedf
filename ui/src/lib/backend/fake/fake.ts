import type { Destination } from "$lib/bindings/Destination";
import type { Cut } from "$lib/bindings/Cut";
import type { Event } from "$lib/bindings/Event";
import type { Recordings } from "$lib/bindings/Recordings";
import type { Repaired } from "$lib/bindings/Repaired";
import type { Settings } from "$lib/bindings/Settings";
import type { Snapshot } from "$lib/bindings/Snapshot";
import type { StateName } from "$lib/bindings/StateName";
import type { Backend, ConnectionBackend, OnEvent, Picture } from "../backend";
import { causeHere } from "$lib/i18n/cause";
import { FakeConnections } from "./connections";
import { cameras, encoders, microphones, settings, stageWith } from "./devices";
import { nextPicture } from "./picture";
import { press } from "./press";
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
 * - `to` = an RTMP address in place of this computer, or several of `local`, an id of a connection and an address
 * - `trouble` = what happens to other targets than the first: `1:failed`, `2:reconnecting`
 * - `playback` = the address that the run plays back at
 * - `lang` = en | ko, as `TAMARACK_LANG`
 * - `levels` = quiet | silent | loud
 * - `repeats` = how many of the pictures of a second the camera does not deliver
 * - `close` = any: the window's cross is pressed after 3 s
 * - `book` = some | empty | many | unreadable: the saved connections
 * - `keys` = system | file | locked | memory | broken: where their keys are; a lock opens with "correct horse"
 * - `import` = table | clash | offers | host | ca: a link was opened. A pasted text with `sealed` in it wants the
 *   passphrase
 * - `check` = fails | running: how a check goes; `no-code` = any: the camera sees no code
 * - `record` = low | full | refused: the disk of a recording; `broken` = any: a crash cut a recording off
 * - `press` = what is pressed after the window has opened, see `press.ts`
 */
export class Fake implements Backend {
  readonly #query: URLSearchParams;
  readonly #snapshot: Snapshot;
  readonly #connections: FakeConnections;
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
    this.#connections = new FakeConnections(
      query,
      (event) => this.#tell(event),
      () => this.#snapshot.settings,
    );
  }

  connections: ConnectionBackend["connections"] = () => this.#connections.connections();
  providers: ConnectionBackend["providers"] = () => this.#connections.providers();
  saveConnection: ConnectionBackend["saveConnection"] = (id, draft) =>
    this.#connections.saveConnection(id, draft);
  removeConnection: ConnectionBackend["removeConnection"] = (id) => this.#connections.removeConnection(id);
  duplicateConnection: ConnectionBackend["duplicateConnection"] = (id) =>
    this.#connections.duplicateConnection(id);
  moveConnection: ConnectionBackend["moveConnection"] = (id, place) =>
    this.#connections.moveConnection(id, place);
  recoverConnections: ConnectionBackend["recoverConnections"] = () => this.#connections.recoverConnections();
  unlockKeys: ConnectionBackend["unlockKeys"] = (passphrase) => this.#connections.unlockKeys(passphrase);
  revealKey: ConnectionBackend["revealKey"] = (id, ingest) => this.#connections.revealKey(id, ingest);
  advise: ConnectionBackend["advise"] = (destinations) => this.#connections.advise(destinations);
  understand: ConnectionBackend["understand"] = (text, passphrase) =>
    this.#connections.understand(text, passphrase);
  understandFiles: ConnectionBackend["understandFiles"] = (files, passphrase) =>
    this.#connections.understandFiles(files, passphrase);
  scanQr: ConnectionBackend["scanQr"] = () => this.#connections.scanQr();
  takeImport: ConnectionBackend["takeImport"] = (id, choice, useEncoding) =>
    this.#connections.takeImport(id, choice, useEncoding);
  dropImport: ConnectionBackend["dropImport"] = (id) => this.#connections.dropImport(id);
  exportConnection: ConnectionBackend["exportConnection"] = (id, format, withKey) =>
    this.#connections.exportConnection(id, format, withKey);
  testConnection: ConnectionBackend["testConnection"] = (id, publish) =>
    this.#connections.testConnection(id, publish);

  recordings(): Promise<Recordings> {
    const folder = "/home/mina/Videos/Tamarack";
    const broken = this.#query.has("broken") ? [`${folder}/Sunday service 2026-11-22 10-30-00.mp4`] : [];
    return Promise.resolve({ folder, broken });
  }

  startRecording(): Promise<void> {
    const how = this.#query.get("record");
    if (how === "refused")
      return Promise.reject(causeHere("recording-folder", "Permission denied", { path: "/mnt/stick" }));
    if (!this.#run || this.#run.ended) this.#run = this.#begin([]);
    const run = this.#run;
    run.record();
    const path = "/mnt/stick/x.mp4";
    if (how === "full") setTimeout(() => run.stopRecording(causeHere("disk-full", "", { path })), 2500);
    return Promise.resolve();
  }

  stopRecording(): Promise<void> {
    this.#run?.stopRecording();
    return Promise.resolve();
  }

  repairRecording(file: string): Promise<Repaired> {
    return Promise.resolve({ file, duration_s: 2712.4, cut_bytes: 81_204, changed: true });
  }

  cutMissed(list: string): Promise<Cut[]> {
    return Promise.resolve([{ file: list.replace(".missed.json", " 1-9.mp4"), duration_s: 8 }]);
  }

  snapshot(): Promise<Snapshot> {
    return Promise.resolve(structuredClone(this.#snapshot));
  }

  subscribe(onEvent: OnEvent): Promise<void> {
    this.#emit = onEvent;
    setInterval(() => this.#level(), LEVEL_MS);
    if (this.#query.has("close")) setTimeout(() => this.#tell({ event: "close-asked" }), 3000);
    const state = this.#query.get("state") ?? "ready";
    if (state !== "ready") setTimeout(() => void this.goLive(this.#to()), 100);
    setTimeout(() => this.#connections.open(), 300);
    const pressed = this.#query.get("press");
    if (pressed) setTimeout(() => void press(pressed), 300);
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
    const run = this.#run;
    if (run?.recorded) destinations.forEach((destination) => run.add(destination));
    else this.#run = this.#begin(destinations);
    return Promise.resolve();
  }

  #begin(destinations: Destination[]): FakeRun {
    const plan = {
      stay: stays[this.#query.get("state") ?? ""] ?? "live",
      cause: causeHere(
        this.#query.get("fault") ?? "connection-lost",
        "203.0.113.7:1935 said so (os error 0)",
        { answer: "NetStream.Publish.Denied", name: "h264_nvenc" },
      ),
      playback: this.#query.get("playback"),
      repeats: Number(this.#query.get("repeats") ?? 0),
      server: Number(this.#query.get("server") ?? 0),
      missed: Number(this.#query.get("missed") ?? 0),
      trouble: this.#trouble(),
    };
    const { settings } = this.#snapshot;
    const tell = (event: Event) => this.#tell(event);
    const left = this.#query.get("record") === "low" ? 8 * 60 : undefined;
    return new FakeRun(plan, destinations, this.#connections.all, settings, tell, left);
  }

  stop(): Promise<void> {
    this.#run?.stop();
    return Promise.resolve();
  }

  addTarget(destination: Destination): Promise<number[]> {
    const targets = this.#run?.add(destination) ?? [];
    return targets.length === 0 ? Promise.reject(causeHere("not-live")) : Promise.resolve(targets);
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

  #to(): Destination[] {
    const to = this.#query.get("to")?.split(",") ?? ["local"];
    return to.map((one) => {
      if (one === "local") return { kind: "local" };
      return one.includes("://") ? { kind: "url", url: one, key: "k" } : { kind: "profile", id: one };
    });
  }

  #trouble(): Map<number, StateName> {
    const said = this.#query.get("trouble")?.split(",") ?? [];
    return new Map(
      said.map((one) => {
        const [target, state = ""] = one.split(":");
        return [Number(target), stays[state] ?? "live"];
      }),
    );
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
