import type { Advice } from "$lib/bindings/Advice";
import type { Connection } from "$lib/bindings/Connection";
import type { ConnectionBook } from "$lib/bindings/ConnectionBook";
import type { ConnectionDraft } from "$lib/bindings/ConnectionDraft";
import type { ConnectionSaved } from "$lib/bindings/ConnectionSaved";
import type { Cut } from "$lib/bindings/Cut";
import type { Destination } from "$lib/bindings/Destination";
import type { Event } from "$lib/bindings/Event";
import type { Exported } from "$lib/bindings/Exported";
import type { ImportChoice } from "$lib/bindings/ImportChoice";
import type { ImportTable } from "$lib/bindings/ImportTable";
import type { Provider } from "$lib/bindings/Provider";
import type { RecordingChoice } from "$lib/bindings/RecordingChoice";
import type { Recordings } from "$lib/bindings/Recordings";
import type { Repaired } from "$lib/bindings/Repaired";
import type { Settings } from "$lib/bindings/Settings";
import type { Snapshot } from "$lib/bindings/Snapshot";
import type { Cause } from "$lib/bindings/Cause";
import { causeHere } from "$lib/i18n/cause";
import type { Language } from "$lib/i18n/i18n.svelte";

export type OnEvent = (event: Event) => void;
/** A picture that is decoded and can be drawn at once. */
export type Picture = HTMLImageElement | OffscreenCanvas;

/** What a person picked from the disk or dropped on the window. */
export interface PickedFile {
  name: string;
  base64: string;
}

export type ExportFormat = "tamarack" | "grove" | "qr";

/** Saved connections: kept, taken in, given out and checked. Keys only ever go inwards, but for `revealKey`. */
export interface ConnectionBackend {
  connections(): Promise<ConnectionBook>;
  providers(): Promise<Provider[]>;
  /** Adds a connection, or changes the one with this id. */
  saveConnection(id: string | null, draft: ConnectionDraft): Promise<ConnectionSaved>;
  /** Removes it and its keys. */
  removeConnection(id: string): Promise<void>;
  duplicateConnection(id: string): Promise<Connection>;
  /** Moves it in a person's own order, from 0. */
  moveConnection(id: string, place: number): Promise<void>;
  /** Puts the last good copy in place; where the file that could not be read is now. */
  recoverConnections(): Promise<string | null>;
  /** Opens the file of keys, or makes one and moves there what was in memory. */
  unlockKeys(passphrase: string): Promise<void>;
  /** The key in clear, because a person asked to see it. */
  revealKey(id: string, ingest: string): Promise<string>;
  /** What would be lowered for these targets, and which of their rules the settings break. */
  advise(destinations: Destination[]): Promise<Advice>;
  /** What a text would change. Nothing is stored before `takeImport`. */
  understand(text: string, passphrase: string | null): Promise<ImportTable>;
  understandFiles(files: PickedFile[], passphrase: string | null): Promise<ImportTable>;
  /** Looks for a code in the camera's newest picture; null when there is none. */
  scanQr(): Promise<ImportTable | null>;
  takeImport(id: number, choice: ImportChoice, useEncoding: boolean): Promise<Connection[]>;
  dropImport(id: number): Promise<void>;
  exportConnection(id: string, format: ExportFormat, withKey: boolean): Promise<Exported>;
  /** Its steps come as events while it runs. With `publish`, a few seconds go on air. */
  testConnection(id: string, publish: boolean): Promise<void>;
}

/** Recordings: one is on or none; what a crash cut off can be mended. */
export interface RecordingBackend {
  recordings(): Promise<Recordings>;
  /** Beside the run that is on, or as a run of its own. */
  startRecording(choice: RecordingChoice): Promise<void>;
  stopRecording(): Promise<void>;
  repairRecording(file: string): Promise<Repaired>;
  /** Cuts out all that a list of what the audience missed names. */
  cutMissed(list: string): Promise<Cut[]>;
}

/** The engine behind the window. Every method that acts rejects with a `Cause`; use `causeOf` to read it. */
export interface Backend extends ConnectionBackend, RecordingBackend {
  snapshot(): Promise<Snapshot>;
  subscribe(onEvent: OnEvent): Promise<void>;
  /** Waits for the next picture of the stage, not larger than this; rejects when there is none for a while. */
  nextPicture(width: number, height: number): Promise<Picture>;
  refreshDevices(): Promise<void>;
  chooseCamera(id: string): Promise<void>;
  chooseMicrophone(id: string): Promise<void>;
  setMuted(muted: boolean): Promise<void>;
  setSettings(settings: Settings): Promise<void>;
  goLive(destinations: Destination[]): Promise<void>;
  /** Ends the run in good order; called again, at once. */
  stop(): Promise<void>;
  /** Adds to the run that is on; the positions that it was given. */
  addTarget(destination: Destination): Promise<number[]>;
  /** Ends one target in good order and leaves the others alone; called again, at once. */
  stopTarget(target: number): Promise<void>;
  setLanguage(language: Language): Promise<void>;
  /** The question whether to end and quit is on screen. */
  closeAnswered(): Promise<void>;
  /** Ends the run in good order, then the program. */
  quit(): Promise<void>;
  /**
   * Where the player asks for `url`, so that neither CORS nor mixed content can black out the picture. After
   * `limitMs` nobody waits for the answer any more.
   */
  fetchThrough(url: string, limitMs: number): string;
}

/** What a rejected call meant. Anything that is no `Cause` is a defect, and shown rather than hidden. */
export function causeOf(error: unknown): Cause {
  if (typeof error === "object" && error !== null && "code" in error && "message" in error) {
    const {
      code,
      message,
      detail = "",
      values = {},
    } = error as Pick<Cause, "code" | "message"> & Partial<Cause>;
    return { code, message, detail, values };
  }
  return causeHere("internal", error instanceof Error ? error.message : String(error));
}
