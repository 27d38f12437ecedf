import type { Settings } from "$lib/bindings/Settings";
import { isLanguage, type Language } from "$lib/i18n/i18n.svelte";

export const themes = ["dark", "light", "system"] as const;
export type Theme = (typeof themes)[number];
export type TargetKind = "local" | "url";

/** What the window remembers. There is no field for a key or a playback address, so neither can be stored. */
interface Stored {
  language: Language | null;
  theme: Theme;
  camera: string | null;
  microphone: string | null;
  settings: Settings | null;
  target: TargetKind;
  server: string;
  preview: boolean;
}

const STORED_AS = "tamarack";
const untouched: Stored = {
  language: null,
  theme: "dark",
  camera: null,
  microphone: null,
  settings: null,
  target: "local",
  server: "",
  preview: true,
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
      target: stored.target === "url" ? "url" : "local",
    };
  } catch {
    return untouched;
  }
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
  useTarget(target: TargetKind, server: string): void {
    this.#keep({ target, server });
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
