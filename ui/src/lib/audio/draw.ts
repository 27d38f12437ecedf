import { CLIPPING_FROM, FLOOR, LOUD_FROM, position, QUIET_BELOW } from "./ballistics";

/** The colours of the zones, from the present theme. */
export interface Palette {
  back: string;
  quiet: string;
  good: string;
  loud: string;
  clipping: string;
  line: string;
}

export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    back: token("--bg2"),
    quiet: token("--text3"),
    good: token("--ok"),
    loud: token("--warn"),
    clipping: token("--live"),
    line: token("--text1"),
  };
}

const GAP = 2;

/** Two bars, left above right, in zones by meaning; each with its held peak as a line. */
export function drawMeter(
  context: CanvasRenderingContext2D,
  palette: Palette,
  shown: readonly [number, number],
  hold: readonly [number, number],
): void {
  const { width, height } = context.canvas;
  const gap = Math.round((GAP * height) / 14);
  const bar = (height - gap) / 2;
  context.clearRect(0, 0, width, height);
  for (const channel of [0, 1] as const) {
    const top = channel * (bar + gap);
    context.fillStyle = palette.back;
    context.fillRect(0, top, width, bar);
    zones(palette).forEach(([from, to, colour]) => {
      const left = position(from) * width;
      const right = position(Math.min(to, shown[channel])) * width;
      if (right <= left) return;
      context.fillStyle = colour;
      context.fillRect(left, top, right - left, bar);
    });
    if (hold[channel] <= FLOOR) continue;
    const line = Math.max(2, Math.round(width / 400));
    context.fillStyle = hold[channel] >= CLIPPING_FROM ? palette.clipping : palette.line;
    context.fillRect(Math.min(width - line, position(hold[channel]) * width), top, line, bar);
  }
}

function zones(palette: Palette): [from: number, to: number, colour: string][] {
  return [
    [FLOOR, QUIET_BELOW, palette.quiet],
    [QUIET_BELOW, LOUD_FROM, palette.good],
    [LOUD_FROM, CLIPPING_FROM, palette.loud],
    [CLIPPING_FROM, 0, palette.clipping],
  ];
}
