const INTERVAL_MS = 66;

/** The next of some moving pictures, drawn as a browser can: the stand-in for a camera. */
export async function nextPicture(width: number, height: number): Promise<OffscreenCanvas> {
  await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  const canvas = new OffscreenCanvas(width, height);
  draw(canvas, performance.now() / 1000);
  return canvas;
}

/** A person on a stage, roughly: the eye should see a picture, not colour bars. */
function draw(canvas: OffscreenCanvas, time: number): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const { width, height } = canvas;
  const back = context.createLinearGradient(0, 0, width, height);
  back.addColorStop(0, "#22303f");
  back.addColorStop(1, "#0d131a");
  context.fillStyle = back;
  context.fillRect(0, 0, width, height);
  const sway = Math.sin(time * 1.3) * width * 0.012;
  disc(context, width * 0.72, height * 0.2, height * 0.5, "rgb(255 196 120 / 10%)");
  disc(context, width / 2 + sway, height * 1.06, height * 0.46, "#3c5a73");
  disc(context, width / 2 + sway * 1.4, height * 0.42, height * 0.2, "#d9a982");
  context.fillStyle = "rgb(255 255 255 / 55%)";
  context.font = `${Math.round(height * 0.05)}px sans-serif`;
  context.fillText(time.toFixed(1), width * 0.03, height * 0.95);
}

function disc(
  context: OffscreenCanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  colour: string,
): void {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, Math.PI * 2);
  context.fill();
}
