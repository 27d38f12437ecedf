/** Digits only, so that they can stand in a box of fixed width: `00:12:34`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** 30 has no decimals; 29.97 and 23.976 are told from it by two. */
export function rateDigits(fps: number): number {
  const off = Math.abs(fps - Math.round(fps));
  if (off < 0.021) return 0;
  return Math.abs(fps * 10 - Math.round(fps * 10)) < 0.05 ? 1 : 2;
}

/** Repeats are no pictures: a second's jitter between two counters is not taken for them. */
const JITTER = 0.06;

/** Of the pictures that are sent each second, how many are new; the rest repeats the one before. */
export function picturesOf(stats: { fps_captured: number; fps_encoded: number }): {
  fresh: number;
  sent: number;
} {
  const { fps_captured: captured, fps_encoded: sent } = stats;
  return { fresh: captured < sent * (1 - JITTER) ? captured : sent, sent };
}

/** Pictures that were lost before the encoder and on the way to each target. */
export function lostIn(run: { dropped: number; targets: readonly { dropped: number }[] }): number {
  return run.targets.reduce((sum, target) => sum + target.dropped, run.dropped);
}

/** Seconds of the broadcast that a target's viewers never got. */
export function missedAt(target: { gaps: readonly { lost_s: number }[] }): number {
  return target.gaps.reduce((sum, gap) => sum + gap.lost_s, 0);
}

/** A usual range of video bitrates in kbps for H.264 at this size, rounded to what people write. */
export function usualBitrate(width: number, height: number, fps: number): [from: number, to: number] {
  const pixels = width * height * fps;
  const rounded = (bits: number) => Math.max(100, Math.round(bits / 100_000) * 100);
  return [rounded(pixels * 0.06), rounded(pixels * 0.12)];
}
