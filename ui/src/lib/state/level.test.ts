import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FLOOR } from "$lib/audio/ballistics";
import { LevelState } from "./level.svelte";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const open = () =>
  new LevelState(
    () => true,
    () => Date.now(),
  );
const pass = (milliseconds: number) => vi.advanceTimersByTime(milliseconds);

test("silence that is told once lets the meter fall to its floor and the word follow", () => {
  const level = open();
  const drawn: number[] = [];
  level.onDraw(([left]) => void drawn.push(left));
  for (let told = 0; told < 10; told += 1, pass(100)) level.push([-15, -15]);
  expect(level.verdict).toBe("good");
  level.push([-100, -100]);
  pass(10_000);
  expect(level.verdict).toBe("silent");
  expect(level.shown).toBe(FLOOR);
  expect(drawn.at(-1)).toBe(FLOOR);
});

test("a steady tone that is told once gets its word", () => {
  const level = open();
  level.push([-20, -20]);
  pass(1000);
  expect(level.verdict).toBe("good");
});

test("nothing runs while nothing moves, nor for a microphone that was closed", () => {
  const level = open();
  level.push([-20, -20]);
  pass(1000);
  level.push([-100, -100]);
  pass(20_000);
  expect(vi.getTimerCount()).toBe(0);
  level.push([-20, -20]);
  level.restart();
  expect(vi.getTimerCount()).toBe(0);
});
