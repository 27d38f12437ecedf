import type { Destination } from "$lib/bindings/Destination";
import type { Event } from "$lib/bindings/Event";
import type { Settings } from "$lib/bindings/Settings";
import type { Snapshot } from "$lib/bindings/Snapshot";
import type { Cause } from "$lib/bindings/Cause";
import { causeHere } from "$lib/i18n/cause";
import type { Language } from "$lib/i18n/i18n.svelte";

export type OnEvent = (event: Event) => void;
/** A picture that is decoded and can be drawn at once. */
export type Picture = HTMLImageElement | OffscreenCanvas;

/** The engine behind the window. Every method that acts rejects with a `Cause`; use `causeOf` to read it. */
export interface Backend {
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
