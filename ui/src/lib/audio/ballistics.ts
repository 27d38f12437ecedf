/** The meter speaks: what a level means, not how many decibels it has. */
export type Verdict = "silent" | "quiet" | "good" | "loud" | "clipping";

export const FLOOR = -60;
export const QUIET_BELOW = -40;
export const LOUD_FROM = -9;
export const CLIPPING_FROM = -1;

const DECAY_DB_PER_MS = 20 / 1700;
const HOLD_MS = 3000;
const VERDICT_MS = 400;
const order: readonly Verdict[] = ["silent", "quiet", "good", "loud", "clipping"];

export function verdictOf(dbfs: number): Verdict {
  if (dbfs >= CLIPPING_FROM) return "clipping";
  if (dbfs >= LOUD_FROM) return "loud";
  if (dbfs >= QUIET_BELOW) return "good";
  return dbfs > FLOOR ? "quiet" : "silent";
}

/** Where a level stands on the scale, from 0 to 1. */
export function position(dbfs: number): number {
  return Math.min(1, Math.max(0, (dbfs - FLOOR) / -FLOOR));
}

interface Channel {
  level: number;
  shown: number;
  hold: number;
  heldAt: number;
}

/**
 * Turns peaks into what is drawn: instant attack, a fall of 20 dB in 1.7 s, a peak line held for 3 s and the
 * highest peak ever. Time is an argument, so nothing here needs a clock.
 */
export class Ballistics {
  #channels: [Channel, Channel] = [quietest(), quietest()];
  #at = 0;
  #verdict: Verdict = "silent";
  #candidate: { verdict: Verdict; since: number } | null = null;
  #maximum = -Infinity;

  get shown(): [number, number] {
    return [this.#channels[0].shown, this.#channels[1].shown];
  }

  get hold(): [number, number] {
    return [this.#channels[0].hold, this.#channels[1].hold];
  }

  get verdict(): Verdict {
    return this.#verdict;
  }

  /** The highest peak since the last reset; minus infinity before the first. */
  get maximum(): number {
    return this.#maximum;
  }

  /** Whether the same level once more would change nothing. */
  get atRest(): boolean {
    const moving = this.#channels.some(({ shown, hold, level }) => shown > level || hold > level);
    return !moving && this.#candidate === null;
  }

  resetMaximum(): void {
    this.#maximum = -Infinity;
  }

  push(peaks: readonly [number, number], at: number): void {
    const elapsed = Math.max(0, at - this.#at);
    this.#at = at;
    this.#channels.forEach((channel, index) => this.#follow(channel, peaks[index] ?? FLOOR, elapsed, at));
    this.#maximum = Math.max(this.#maximum, peaks[0], peaks[1]);
    this.#judge(verdictOf(Math.max(...this.hold)), at);
  }

  #follow(channel: Channel, peak: number, elapsed: number, at: number): void {
    const level = Math.max(peak, FLOOR);
    channel.level = level;
    channel.shown = Math.max(level, channel.shown - elapsed * DECAY_DB_PER_MS);
    if (level >= channel.hold || at - channel.heldAt > HOLD_MS) {
      channel.hold = level;
      channel.heldAt = at;
    }
  }

  /** A louder word needs 400 ms of evidence; a quieter one has already waited for the peak line to fall. */
  #judge(verdict: Verdict, at: number): void {
    const louder = order.indexOf(verdict) > order.indexOf(this.#verdict);
    if (verdict === this.#verdict) {
      this.#candidate = null;
    } else if (!louder || verdict === "clipping") {
      this.#settle(verdict);
    } else if (this.#candidate === null) {
      this.#candidate = { verdict, since: at };
    } else if (at - this.#candidate.since >= VERDICT_MS) {
      this.#settle(verdict);
    }
  }

  #settle(verdict: Verdict): void {
    this.#verdict = verdict;
    this.#candidate = null;
  }
}

function quietest(): Channel {
  return { level: FLOOR, shown: FLOOR, hold: FLOOR, heldAt: 0 };
}
