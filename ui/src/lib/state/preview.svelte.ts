import type { Backend } from "$lib/backend/backend";

export const LARGEST = { width: 640, height: 360 };

/** Draws one picture; rejects when it cannot. */
export type Paint = (jpeg: ArrayBuffer) => Promise<void>;

/** The preview's pictures: asked for only while somebody can see them. */
export class PreviewState {
  readonly #backend: Backend;
  #frames = 0;
  #showing = $state(false);
  #turn = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Pictures drawn since the window opened, for tests and benches. */
  get frames(): number {
    return this.#frames;
  }
  /** At least one picture has been drawn since the preview was started. */
  get showing(): boolean {
    return this.#showing;
  }

  async start(width: number, height: number, paint: Paint): Promise<void> {
    const turn = ++this.#turn;
    const fit = Math.min(1, LARGEST.width / width, LARGEST.height / height);
    const size = [width * fit, height * fit].map((side) => Math.max(2, Math.round(side / 2) * 2));
    await this.#backend
      .preview((jpeg) => void this.#draw(turn, jpeg, paint), size[0] ?? 2, size[1] ?? 2)
      .catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#turn += 1;
    this.#showing = false;
    await this.#backend.previewStop().catch(() => undefined);
  }

  /** A picture that cannot be drawn is lost, but the credit goes back: else the preview would stand still. */
  async #draw(turn: number, jpeg: ArrayBuffer, paint: Paint): Promise<void> {
    if (turn !== this.#turn) return;
    try {
      await paint(jpeg);
      this.#frames += 1;
      this.#showing = turn === this.#turn;
    } catch {
      // The next picture is on its way.
    }
    if (turn === this.#turn) await this.#backend.previewAck().catch(() => undefined);
  }
}
