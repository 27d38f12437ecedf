import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Picture } from "$lib/backend/backend";
import { PreviewState } from "./preview.svelte";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const picture = { width: 4, height: 2 } as Picture;

/** A preview whose pictures come when the test answers. */
function set() {
  const asked: { size: [number, number]; give: () => void; refuse: () => void }[] = [];
  const nextPicture = (width: number, height: number) =>
    new Promise<Picture>((resolve, reject) => {
      asked.push({
        size: [width, height],
        give: () => resolve(picture),
        refuse: () => reject(new Error("none")),
      });
    });
  return { asked, preview: new PreviewState({ nextPicture }), paint: vi.fn() };
}
const settle = () => vi.advanceTimersByTimeAsync(0);

test("asks for no more pixels than are shown, at most 640x360, even sides", () => {
  const { preview, asked, paint } = set();
  void preview.start(1600, 900, paint);
  void preview.start(301, 169, paint);
  void preview.start(800, 1400, paint);
  expect(asked.map(({ size }) => size)).toEqual([
    [640, 360],
    [302, 170],
    [206, 360],
  ]);
});

test("asks for the next picture only after the last one was drawn", async () => {
  const { preview, asked, paint } = set();
  void preview.start(640, 360, paint);
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked.length).toBe(1);
  expect(preview.showing).toBe(false);
  asked[0]?.give();
  await settle();
  expect(paint).toHaveBeenCalledExactlyOnceWith(picture);
  expect([preview.frames, preview.showing, asked.length]).toEqual([1, true, 2]);
});

test("a question without a picture is repeated, but not without pause", async () => {
  const { preview, asked, paint } = set();
  void preview.start(640, 360, paint);
  asked[0]?.refuse();
  await settle();
  expect(asked.length).toBe(1);
  await vi.advanceTimersByTimeAsync(300);
  expect(asked.length).toBe(2);
  expect(preview.frames).toBe(0);
});

test("a picture that was under way when the preview stopped is not drawn", async () => {
  const { preview, asked, paint } = set();
  void preview.start(640, 360, paint);
  preview.stop();
  asked[0]?.give();
  await vi.advanceTimersByTimeAsync(1000);
  expect(paint).not.toHaveBeenCalled();
  expect(asked.length).toBe(1);
});
