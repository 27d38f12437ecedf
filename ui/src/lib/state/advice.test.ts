import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Backend } from "$lib/backend/backend";
import { settings } from "$lib/backend/fake/devices";
import type { Advice } from "$lib/bindings/Advice";
import type { Destination } from "$lib/bindings/Destination";
import { AdviceState, isSet } from "./advice.svelte";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const { width, height, fps, video_kbps, audio_kbps, keyframe_s } = settings;
const encoding = { width, height, fps, video_kbps, audio_kbps, keyframe_s };
const warned = (rule: string, refused = true): Advice => ({
  encoding,
  lowered: [],
  warnings: [{ rule, refused, limit: "1", actual: "2", name: "A" }],
  recommended: null,
});
const profile: Destination = { kind: "profile", id: "a" };

function open(advice: Advice) {
  const advise = vi.fn((_destinations: Destination[]) => Promise.resolve(advice));
  return { advise, state: new AdviceState({ advise } as unknown as Backend) };
}

test("is asked for once a choice has come to rest, and not for this computer", async () => {
  const { state, advise } = open(warned("total-bitrate"));
  state.ask([{ kind: "local" }]);
  state.ask([profile]);
  state.ask([profile, { kind: "local" }]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(advise).toHaveBeenCalledExactlyOnceWith([profile, { kind: "local" }]);
  expect(state.worthTelling).toBe(true);
  state.ask([{ kind: "local" }]);
  expect(state.advice).toBeNull();
});

test("that comes after the choice was changed is not shown", async () => {
  const { state, advise } = open(warned("total-bitrate"));
  let late: (advice: Advice) => void = () => undefined;
  advise.mockImplementationOnce(() => new Promise((resolve) => (late = resolve)));
  state.ask([profile]);
  await vi.advanceTimersByTimeAsync(1000);
  state.ask([{ kind: "local" }]);
  late(warned("total-bitrate"));
  await vi.advanceTimersByTimeAsync(0);
  expect(state.advice).toBeNull();
});

test.each([
  ["tls-required", true, true],
  ["total-bitrate", true, false],
  ["key-shape", false, false],
])("%s (refused: %o): no lowering helps: %o", async (rule, refused, stays) => {
  const { state } = open(warned(rule, refused));
  state.ask([profile]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(state.refused).toBe(stays);
});

test("what is set already is not recommended", () => {
  expect(isSet(encoding, settings)).toBe(true);
  expect(isSet({ ...encoding, keyframe_s: 4 }, settings)).toBe(false);
});
