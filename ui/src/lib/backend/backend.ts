import type { Destination } from "$lib/bindings/Destination";
import type { Event } from "$lib/bindings/Event";
import type { Settings } from "$lib/bindings/Settings";
import type { Snapshot } from "$lib/bindings/Snapshot";
import type { Cause } from "$lib/bindings/Cause";
import { causeHere } from "$lib/i18n/cause";
import type { Language } from "$lib/i18n/i18n.svelte";

export type OnEvent = (event: Event) => void;
/** One preview picture: a whole JPEG. */
export type OnFrame = (jpeg: ArrayBuffer) => void;

/**
 * The engine behind the window. Every method rejects with a `Cause`; use `causeOf` to read it.
 *
 * Preview pictures are on credit: the next one comes only after `previewAck`, so that a window which cannot keep
 * up never queues pictures.
 */
export interface Backend {
  snapshot(): Promise<Snapshot>;
  subscribe(onEvent: OnEvent): Promise<void>;
  preview(onFrame: OnFrame, width: number, height: number): Promise<void>;
  previewAck(): Promise<void>;
  previewStop(): Promise<void>;
  refreshDevices(): Promise<void>;
  chooseCamera(id: string): Promise<void>;
  chooseMicrophone(id: string): Promise<void>;
  setMuted(muted: boolean): Promise<void>;
  setSettings(settings: Settings): Promise<void>;
  goLive(destination: Destination): Promise<void>;
  /** Ends the run in good order; called again, at once. */
  stop(): Promise<void>;
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
