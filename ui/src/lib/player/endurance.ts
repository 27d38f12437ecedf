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

/** With less in front of it a playhead may rightly stand: it waits for the next segment. */
const ENOUGH_S = 1;
/** The first picture of a large stream takes a slow computer a second or two. */
const STILL_MS = 4000;

/**
 * A playhead that stands in front of media and should move. WebKitGTK's decoders now and then start in the wrong
 * order and then never show a picture, without an error (its own word is "Sticky event misordering").
 */
export class Standstill {
  #since: number | null = null;

  /** Looks at a playhead with `heldS` seconds in front of it: whether it has stood too long. */
  look(heldS: number, at: number): boolean {
    if (heldS < ENOUGH_S) this.#since = null;
    else this.#since ??= at;
    return this.#since !== null && at - this.#since > STILL_MS;
  }

  /** The playhead moves, or has a reason to stand. */
  excused(): void {
    this.#since = null;
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
