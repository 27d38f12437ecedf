const MEDIA_RECOVERIES = 2;
/** After this long without trouble the next one has nothing to do with the last. */
const HEALTHY_MS = 30_000;

/** How often decoders may be set up anew before a stream counts as broken. */
export class Recoveries {
  #left = MEDIA_RECOVERIES;
  #troubleAt = -Infinity;

  /** Whether there is one left; takes it. */
  take(at: number): boolean {
    this.#troubleAt = at;
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }

  /** The picture moves. */
  played(at: number): void {
    if (at - this.#troubleAt > HEALTHY_MS) this.#left = MEDIA_RECOVERIES;
  }
}

/** Less than this is never played: the last picture's time, and what a decoder keeps. */
const NOTHING_S = 0.25;
/** A playhead that stands this long in front of buffered media will not move again. */
const STUCK_MS = 3000;

/** A stream whose source has stopped, on its way to the end of what is buffered. */
export class Ending {
  #stoodSince: number | null = null;

  /** The playhead stands: whether that is the end, or only a pause before the rest. */
  isOver(bufferS: number, at: number): boolean {
    this.#stoodSince ??= at;
    return bufferS < NOTHING_S || at - this.#stoodSince > STUCK_MS;
  }

  moves(): void {
    this.#stoodSince = null;
  }
}
