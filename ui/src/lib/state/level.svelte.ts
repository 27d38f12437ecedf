import { Ballistics, type Verdict } from "$lib/audio/ballistics";

/** Redrawing faster than this costs processor time that nobody sees. */
const DRAW_MS = 60;
const DRAW_REDUCED_MS = 100;

export type Draw = (shown: readonly [number, number], hold: readonly [number, number]) => void;

/** The meter: words change rarely and are state, bars change always and are drawn directly. */
export class LevelState {
  #ballistics = new Ballistics();
  #verdict = $state<Verdict>("silent");
  #maximum = $state<number | null>(null);
  #draw: Draw | null = null;
  #drawnAt = -Infinity;

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

  push(peaks: readonly [number, number], at: number, calm: boolean, visible: boolean): void {
    this.#ballistics.push(peaks, at);
    this.#verdict = this.#ballistics.verdict;
    const { maximum } = this.#ballistics;
    this.#maximum = maximum > -100 ? Math.round(maximum * 10) / 10 : null;
    if (!visible || at - this.#drawnAt < (calm ? DRAW_REDUCED_MS : DRAW_MS)) return;
    this.#drawnAt = at;
    this.#draw?.(this.#ballistics.shown, this.#ballistics.hold);
  }

  resetMaximum(): void {
    this.#ballistics.resetMaximum();
    this.#maximum = null;
  }

  /** Another microphone: what the last one did says nothing about it. */
  restart(): void {
    this.#ballistics = new Ballistics();
    this.#verdict = "silent";
    this.#maximum = null;
    this.#draw?.(this.#ballistics.shown, this.#ballistics.hold);
  }
}
