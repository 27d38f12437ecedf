/** Sizes by their landscape sides; portrait is the same turned. */
const LANDSCAPE = [
  [426, 240],
  [640, 360],
  [854, 480],
  [1280, 720],
  [1920, 1080],
  [2560, 1440],
  [3840, 2160],
] as const;

const named = (width: number, height: number) => `${width}x${height}`;

export const landscape = LANDSCAPE.map(([width, height]) => named(width, height));
export const portrait = LANDSCAPE.map(([width, height]) => named(height, width));
export const rates = ["23.976", "24", "25", "29.97", "30", "50", "59.94", "60"];
export const audioBitrates = [64, 96, 128, 160, 192, 256, 320];
export const keyframes = [1, 2, 3, 4, 5, 6, 8, 10];
export const presets = ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"];
export const tunes = ["zerolatency", "none"] as const;
export const profiles = ["auto", "baseline", "main", "high"];
export const VIDEO_KBPS = { from: 100, to: 60_000 };

export function sizeOf(name: string): { width: number; height: number } | null {
  const match = /^(\d+)x(\d+)$/.exec(name);
  return match ? { width: Number(match[1]), height: Number(match[2]) } : null;
}

export const sizeName = named;

/** A value from elsewhere (a file, another version) is shown rather than silently replaced. */
export function including<Value>(values: readonly Value[], present: Value): readonly Value[] {
  return values.includes(present) ? values : [present, ...values];
}
