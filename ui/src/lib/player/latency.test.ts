import { describe, expect, test } from "vitest";
import { behindEdge, bufferAhead, stoodStill, tenths } from "./latency";

describe("bufferAhead", () => {
  test("counts from the playhead to the end of its range", () => {
    expect(bufferAhead([{ start: 0, end: 8 }], 3)).toBe(5);
  });

  test("is nothing outside every range", () => {
    expect(bufferAhead([], 3)).toBe(0);
    expect(bufferAhead([{ start: 5, end: 9 }], 3)).toBe(0);
    expect(bufferAhead([{ start: 0, end: 2 }], 3)).toBe(0);
  });

  test("crosses a hole that a player would jump, but no larger one", () => {
    const ranges = [
      { start: 4.05, end: 6 },
      { start: 0, end: 4 },
      { start: 6.5, end: 9 },
    ];
    expect(bufferAhead(ranges, 1)).toBe(5);
  });
});

describe("behindEdge", () => {
  test("grows with the playlist's age, because the edge has moved on meanwhile", () => {
    expect(behindEdge({ end: 20, age: 0 }, 16)).toBe(4);
    expect(behindEdge({ end: 20, age: 1.5 }, 16)).toBe(5.5);
  });

  test("is never negative and unknown without an edge", () => {
    expect(behindEdge({ end: 20, age: 0 }, 21)).toBe(0);
    expect(behindEdge({ end: Number.NaN, age: 0 }, 21)).toBeNull();
  });
});

test("a playhead that crawls stands still, a slow one moves", () => {
  const before = { at: 1000, position: 4 };
  expect(stoodStill(before, { at: 1500, position: 4.01 })).toBe(true);
  expect(stoodStill(before, { at: 1500, position: 4.3 })).toBe(false);
  expect(stoodStill(before, { at: 1000, position: 4 })).toBe(false);
});

test("unknown stays unknown when rounded", () => {
  expect(tenths(null)).toBeNull();
  expect(tenths(2.3456)).toBe(2.3);
});
