import type { Backend, Picture } from "$lib/backend/backend";

export const LARGEST = { width: 640, height: 360 };
/** After a question without a picture: an engine that is gone must not be asked without pause. */
const AGAIN_MS = 200;

/** Draws one picture. */
export type Paint = (picture: Picture) => void;

/** The preview's pictures: each is asked for when the last one is drawn, and only while somebody can see them. */
export class PreviewState {
  readonly #backend: Pick<Backend, "nextPicture">;
  #frames = 0;
  #showing = $state(false);
  #turn = 0;

  constructor(backend: Pick<Backend, "nextPicture">) {
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

  /** Draws until it is stopped or started anew. */
  async start(width: number, height: number, paint: Paint): Promise<void> {
    const turn = ++this.#turn;
    const fit = Math.min(1, LARGEST.width / width, LARGEST.height / height);
    const even = (side: number) => Math.max(2, Math.round((side * fit) / 2) * 2);
    while (turn === this.#turn) {
      try {
        const picture = await this.#backend.nextPicture(even(width), even(height));
        if (turn === this.#turn) this.#draw(picture, paint);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  stop(): void {
    this.#turn += 1;
    this.#showing = false;
  }

  #draw(picture: Picture, paint: Paint): void {
    paint(picture);
    this.#frames += 1;
    this.#showing = true;
  }
}
