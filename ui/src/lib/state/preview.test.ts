import { expect, test, vi } from "vitest";
import type { Backend, OnFrame } from "$lib/backend/backend";
import { PreviewState } from "./preview.svelte";

function set() {
  const sent: { onFrame: OnFrame; width: number; height: number }[] = [];
  const backend = {
    preview: vi.fn((onFrame: OnFrame, width: number, height: number) => {
      sent.push({ onFrame, width, height });
      return Promise.resolve();
    }),
    previewAck: vi.fn(() => Promise.resolve()),
    previewStop: vi.fn(() => Promise.resolve()),
  };
  return { backend, sent, preview: new PreviewState(backend as unknown as Backend) };
}

const jpeg = new ArrayBuffer(4);
const painted = () => Promise.resolve();
const settle = () => new Promise((resolve) => setTimeout(resolve));

test("asks for no more pixels than are shown, at most 640x360, even sides", async () => {
  const { preview, sent } = set();
  await preview.start(1600, 900, painted);
  await preview.start(301, 169, painted);
  await preview.start(800, 1400, painted);
  expect(sent.map(({ width, height }) => [width, height])).toEqual([
    [640, 360],
    [302, 170],
    [206, 360],
  ]);
});

test("gives the credit back only after the picture was drawn", async () => {
  const { preview, sent, backend } = set();
  let drawn = () => {};
  await preview.start(640, 360, () => new Promise((resolve) => (drawn = resolve)));
  sent[0]?.onFrame(jpeg);
  await settle();
  expect(backend.previewAck).not.toHaveBeenCalled();
  drawn();
  await settle();
  expect(backend.previewAck).toHaveBeenCalledTimes(1);
  expect(preview.frames).toBe(1);
});

test("a broken picture costs no credit", async () => {
  const { preview, sent, backend } = set();
  await preview.start(640, 360, () => Promise.reject(new Error("broken")));
  sent[0]?.onFrame(jpeg);
  await settle();
  expect(backend.previewAck).toHaveBeenCalledTimes(1);
  expect(preview.frames).toBe(0);
});

test("a picture that was under way when the preview stopped is not drawn", async () => {
  const { preview, sent, backend } = set();
  const paint = vi.fn(painted);
  await preview.start(640, 360, paint);
  await preview.stop();
  sent[0]?.onFrame(jpeg);
  await settle();
  expect(backend.previewStop).toHaveBeenCalledTimes(1);
  expect(paint).not.toHaveBeenCalled();
  expect(backend.previewAck).not.toHaveBeenCalled();
});
