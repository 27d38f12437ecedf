import type { RecordingQuality } from "$lib/bindings/RecordingQuality";
import type { Settings } from "$lib/bindings/Settings";
import { isLanguage, type Language } from "$lib/i18n/i18n.svelte";

export const themes = ["dark", "light", "system"] as const;
export type Theme = (typeof themes)[number];
/** This computer, an address that is typed, or a saved connection by its id. */
export type Choice = "local" | "url" | `profile:${string}`;

export function isChoice(text: unknown): text is Choice {
  return typeof text === "string" && (text === "local" || text === "url" || /^profile:./.test(text));
}

/** Last used first, or as a person put them. */
export type Order = "used" | "own";

/** What the window remembers. There is no field for a key or a playback address, so neither can be stored. */
interface Stored {
  language: Language | null;
  theme: Theme;
  camera: string | null;
  microphone: string | null;
  settings: Settings | null;
  /** At least one. */
  targets: readonly Choice[];
  server: string;
  preview: boolean;
  /** The folder of recordings; the usual one when null. */
  recordTo: string | null;
  recordQuality: RecordingQuality;
  /** How connections are listed. */
  order: Order;
}

const STORED_AS = "tamarack";
const untouched: Stored = {
  language: null,
  theme: "dark",
  camera: null,
  microphone: null,
  settings: null,
  targets: ["local"],
  server: "",
  preview: true,
  recordTo: null,
  recordQuality: "as-sent",
  order: "used",
};

export type Storage = Pick<globalThis.Storage, "getItem" | "setItem">;

/** Storage may be full, forbidden or written by another version: none of that may stop the window. */
function read(storage: Storage): Stored {
  try {
    const found: unknown = JSON.parse(storage.getItem(STORED_AS) ?? "{}");
    if (typeof found !== "object" || found === null) return untouched;
    const stored = { ...untouched, ...(found as Partial<Stored>) };
    return {
      ...stored,
      language: isLanguage(stored.language) ? stored.language : null,
      theme: themes.includes(stored.theme) ? stored.theme : untouched.theme,
      targets: choices(stored.targets),
      recordTo: typeof stored.recordTo === "string" ? stored.recordTo : null,
      recordQuality: stored.recordQuality === "full" ? "full" : "as-sent",
      order: stored.order === "own" ? "own" : "used",
    };
  } catch {
    return untouched;
  }
}

function choices(found: unknown): readonly Choice[] {
  const kept = Array.isArray(found) ? [...new Set(found.filter(isChoice))] : [];
  return kept.length > 0 ? kept : untouched.targets;
}

export class Preferences {
  readonly #storage: Storage;
  #stored = $state.raw<Stored>(untouched);

  constructor(storage: Storage) {
    this.#storage = storage;
    this.#stored = read(storage);
  }

  get stored(): Readonly<Stored> {
    return this.#stored;
  }

  useLanguage(language: Language): void {
    this.#keep({ language });
  }

  useTheme(theme: Theme): void {
    this.#keep({ theme });
  }

  useCamera(camera: string): void {
    this.#keep({ camera: storable(camera) });
  }

  useMicrophone(microphone: string): void {
    this.#keep({ microphone: storable(microphone) });
  }

  useSettings(settings: Settings): void {
    this.#keep({ settings: { ...settings } });
  }

  /** `server` is what may be kept of an address: never a key (`serverPart`, `appPart`). */
  useTargets(targets: readonly Choice[], server: string): void {
    this.#keep({ targets, server });
  }

  useOrder(order: Order): void {
    this.#keep({ order });
  }

  useRecording(recordTo: string | null, recordQuality: RecordingQuality): void {
    this.#keep({ recordTo, recordQuality });
  }

  usePreview(preview: boolean): void {
    this.#keep({ preview });
  }

  #keep(change: Partial<Stored>): void {
    this.#stored = { ...this.#stored, ...change };
    try {
      this.#storage.setItem(STORED_AS, JSON.stringify(this.#stored));
    } catch {
      // Not remembered next time, which is all that is lost.
    }
  }
}

/** A path on this computer is nobody's business next time. */
function storable(id: string): string | null {
  return id.startsWith("file:") ? null : id;
}
