import { Ballistics, type Verdict } from "$lib/audio/ballistics";

/** Redrawing faster than this costs processor time that nobody sees. */
const DRAW_MS = 60;
const DRAW_REDUCED_MS = 100;
/** The engine tells a level that does not change once: after this long without news it counts again. */
const AGAIN_MS = 100;

export type Draw = (shown: readonly [number, number], hold: readonly [number, number]) => void;

/** What decides how much is drawn. */
export interface Viewer {
  visible: () => boolean;
  calm: () => boolean;
}

/** The meter: words change rarely and are state, bars change always and are drawn directly. */
export class LevelState {
  readonly #viewer: Viewer;
  readonly #now: () => number;
  #ballistics = new Ballistics();
  #verdict = $state<Verdict>("silent");
  #maximum = $state<number | null>(null);
  #draw: Draw | null = null;
  #drawnAt = -Infinity;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(viewer: Viewer, now: () => number = () => performance.now()) {
    this.#viewer = viewer;
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
    const at = this.#now();
    this.#ballistics.push(peaks, at);
    this.#verdict = this.#ballistics.verdict;
    const { maximum } = this.#ballistics;
    this.#maximum = maximum > -100 ? Math.round(maximum * 10) / 10 : null;
    this.#show(at);
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

  /** The last picture before rest is always drawn, else a bar could stay standing. */
  #show(at: number): void {
    if (!this.#viewer.visible()) return;
    const apart = this.#viewer.calm() ? DRAW_REDUCED_MS : DRAW_MS;
    if (at - this.#drawnAt < apart && !this.#ballistics.atRest) return;
    this.#drawnAt = at;
    this.#draw?.(this.#ballistics.shown, this.#ballistics.hold);
  }
}
