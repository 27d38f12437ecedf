import { Ballistics, type Verdict } from "$lib/audio/ballistics";

/** The engine tells a level that does not change once: after this long without news it counts again. */
const AGAIN_MS = 150;

export type Draw = (shown: readonly [number, number], hold: readonly [number, number]) => void;

/** The meter: words change rarely and are state, bars change always and are drawn directly. */
export class LevelState {
  readonly #visible: () => boolean;
  readonly #now: () => number;
  #ballistics = new Ballistics();
  #verdict = $state<Verdict>("silent");
  #maximum = $state<number | null>(null);
  #draw: Draw | null = null;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(visible: () => boolean, now: () => number = () => performance.now()) {
    this.#visible = visible;
    this.#now = now;
  }

  get verdict(): Verdict {
    return this.#verdict;
  }
  /** In dBFS, to a tenth; null before the first sound. */
  get maximum(): number | null {
    return this.#maximum;
  }
  get shown(): number {
    return Math.max(...this.#ballistics.shown);
  }

  onDraw(draw: Draw): () => void {
    this.#draw = draw;
    draw(this.#ballistics.shown, this.#ballistics.hold);
    return () => {
      if (this.#draw === draw) this.#draw = null;
    };
  }

  push(peaks: readonly [number, number]): void {
    this.#ballistics.push(peaks, this.#now());
    this.#verdict = this.#ballistics.verdict;
    const { maximum } = this.#ballistics;
    this.#maximum = maximum > -100 ? Math.round(maximum * 10) / 10 : null;
    // As often as the engine tells: each redrawing costs the web view the same, however small it is.
    if (this.#visible()) this.#draw?.(this.#ballistics.shown, this.#ballistics.hold);
    // Bars fall, the peak line drops and the word changes without news too.
    clearTimeout(this.#again);
    if (!this.#ballistics.atRest) this.#again = setTimeout(() => this.push(peaks), AGAIN_MS);
  }

  resetMaximum(): void {
    this.#ballistics.resetMaximum();
    this.#maximum = null;
  }

  /** Another microphone: what the last one did says nothing about it. */
  restart(): void {
    clearTimeout(this.#again);
    this.#ballistics = new Ballistics();
    this.#verdict = "silent";
    this.#maximum = null;
    this.#draw?.(this.#ballistics.shown, this.#ballistics.hold);
  }
}
