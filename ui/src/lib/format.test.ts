import { expect, test } from "vitest";
import { clock, lostIn, picturesOf, rateDigits, usualBitrate } from "./format";

test("a clock keeps its width", () => {
  expect([0, 59.9, 61, 3600 * 12 + 34 * 60 + 56, -5].map(clock)).toEqual([
    "00:00:00",
    "00:00:59",
    "00:01:01",
    "12:34:56",
    "00:00:00",
  ]);
});

test("whole rates have no decimals", () => {
  expect([30, 25.02, 60].map(rateDigits)).toEqual([0, 0, 0]);
  expect([29.5, 29.97, 23.976].map(rateDigits)).toEqual([1, 2, 2]);
});

test("a picture that is sent again is not a new one", () => {
  const of = (fps_captured: number, fps_encoded: number) => picturesOf({ fps_captured, fps_encoded });
  expect(of(10, 30)).toEqual({ fresh: 10, sent: 30 });
  expect(of(0, 30)).toEqual({ fresh: 0, sent: 30 });
  expect(of(29, 30)).toEqual({ fresh: 30, sent: 30 });
  expect(of(60, 30)).toEqual({ fresh: 30, sent: 30 });
  expect(of(0, 0)).toEqual({ fresh: 0, sent: 0 });
});

test("what was lost on any way out is counted", () => {
  expect(lostIn({ dropped: 2, targets: [{ dropped: 3 }, { dropped: 4 }] })).toBe(9);
});

test("more pixels want more bits", () => {
  expect(usualBitrate(1280, 720, 30)).toEqual([1700, 3300]);
  expect(usualBitrate(426, 240, 24)[0]).toBeGreaterThanOrEqual(100);
});
