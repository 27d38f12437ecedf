import type { Backend } from "$lib/backend/backend";
import type { Advice } from "$lib/bindings/Advice";
import type { ConnectionEncoding } from "$lib/bindings/ConnectionEncoding";
import type { Destination } from "$lib/bindings/Destination";
import type { Settings } from "$lib/bindings/Settings";

const REST_MS = 200;
/** No other settings mend these: the address, the key or the camera is what is wrong. */
const NOT_SETTINGS = ["tls-required", "tls-refused", "key-shape", "audio-only"];

/** Whether settings already are what is recommended. */
export function isSet(recommended: ConnectionEncoding, settings: Settings): boolean {
  return (Object.keys(recommended) as (keyof ConnectionEncoding)[]).every(
    (name) => recommended[name] === settings[name],
  );
}

/** What the chosen targets make of the settings. */
export class AdviceState {
  readonly #backend: Backend;
  #advice = $state.raw<Advice | null>(null);
  #turn = 0;
  #resting: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get advice(): Advice | null {
    return this.#advice;
  }
  /** There is something to say. */
  get worthTelling(): boolean {
    const { lowered = [], warnings = [] } = this.#advice ?? {};
    return lowered.length + warnings.length > 0;
  }
  /** A target will refuse, and no lowering helps. */
  get refused(): boolean {
    const { warnings = [] } = this.#advice ?? {};
    return warnings.some(({ rule, refused }) => refused && NOT_SETTINGS.includes(rule));
  }

  /** The choice or the settings are other ones; the engine is asked once they have come to rest. */
  ask(destinations: readonly Destination[]): void {
    const turn = ++this.#turn;
    clearTimeout(this.#resting);
    // This computer takes whatever is sent.
    if (destinations.every(({ kind }) => kind === "local")) this.#advice = null;
    else this.#resting = setTimeout(() => void this.#ask([...destinations], turn), REST_MS);
  }

  async #ask(destinations: Destination[], turn: number): Promise<void> {
    // Without advice the broadcast goes all the same: the engine lowers what has to be, and says so.
    const advice = await this.#backend.advise(destinations).catch(() => null);
    if (turn === this.#turn) this.#advice = advice;
  }
}
