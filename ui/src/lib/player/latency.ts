/** A stretch of buffered media, in seconds of media time. */
export interface Range {
  start: number;
  end: number;
}

/** Encoders leave holes of a few milliseconds between segments: a player jumps them. */
const HOLE_S = 0.1;

/** How much can be played from `position` without another byte. */
export function bufferAhead(ranges: readonly Range[], position: number): number {
  let reached = position;
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    if (range.start <= reached + HOLE_S && range.end > reached) reached = range.end;
  }
  return reached - position;
}

/** When a playlist was read, and where it ended then. */
export interface Edge {
  /** End of the last listed segment, in media time. */
  end: number;
  /** Seconds since the playlist was read. */
  age: number;
}

/**
 * How far the playhead is behind the end of the playlist, which moves on between two readings. It says nothing
 * about the way from the lens to the playlist: it is not a latency from end to end.
 */
export function behindEdge(edge: Edge, position: number): number | null {
  const behind = edge.end + Math.max(0, edge.age) - position;
  return Number.isFinite(behind) ? Math.max(0, behind) : null;
}

/** What a look at the player saw. */
export interface Look {
  at: number;
  position: number;
}

/** Media time may crawl while a decoder gives up: less than a tenth of real time counts as standing still. */
const MOVING_RATIO = 0.1;

/** Whether the playhead stood still between two looks, times in milliseconds and positions in seconds. */
export function stoodStill(before: Look, now: Look): boolean {
  const elapsed = (now.at - before.at) / 1000;
  return elapsed > 0 && now.position - before.position < elapsed * MOVING_RATIO;
}

/** One decimal is what these figures can carry; `null` stays unknown, it is not 0. */
export function tenths(seconds: number | null): number | null {
  return seconds === null ? null : Math.round(seconds * 10) / 10;
}

export function rangesOf(buffered: TimeRanges): Range[] {
  return Array.from({ length: buffered.length }, (_, index) => ({
    start: buffered.start(index),
    end: buffered.end(index),
  }));
}
