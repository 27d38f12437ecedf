import { expect, test } from "vitest";
import { Ending, Recoveries, Standstill } from "./endurance";
import { isRecoverable } from "./policy";

test("recoveries run out, and come back after a healthy while", () => {
  const recoveries = new Recoveries();
  expect([0, 100, 200].map((at) => recoveries.take(at))).toEqual([true, true, false]);
  recoveries.played(5000);
  expect(recoveries.take(6000)).toBe(false);
  recoveries.played(36_001);
  expect(recoveries.take(40_000)).toBe(true);
});

test("a playlist without a codec that is known is not tried again", () => {
  expect(isRecoverable("manifestIncompatibleCodecsError")).toBe(false);
  expect(isRecoverable("bufferAppendError")).toBe(true);
});

test("one pause does not cut off what is still buffered", () => {
  const ending = new Ending();
  expect(ending.isOver(1.8, 0)).toBe(false);
  ending.moves();
  expect(ending.isOver(1.2, 5000)).toBe(false);
  expect(ending.isOver(0.1, 5500)).toBe(true);
});

test("a playhead that never moves again is at its end", () => {
  const ending = new Ending();
  expect(ending.isOver(1.8, 0)).toBe(false);
  expect(ending.isOver(1.8, 3001)).toBe(true);
});

test("a playhead that stands before media is stuck, one that waits for media is not", () => {
  const standstill = new Standstill();
  expect([0, 2000, 4000, 6000].map((at) => standstill.look(0.2, at))).not.toContain(true);
  expect([6500, 8000, 10_500].map((at) => standstill.look(2, at))).not.toContain(true);
  expect(standstill.look(4, 10_501)).toBe(true);
  standstill.excused();
  expect(standstill.look(4, 11_000)).toBe(false);
});
