import { describe, expect, test } from "vitest";
import { Ballistics, position, verdictOf } from "./ballistics";

const both = (dbfs: number): [number, number] => [dbfs, dbfs];

test("zones by meaning", () => {
  expect([-100, -60, -59, -40, -9.1, -9, -1.1, -1, 0].map(verdictOf)).toEqual([
    "silent",
    "silent",
    "quiet",
    "good",
    "good",
    "loud",
    "loud",
    "clipping",
    "clipping",
  ]);
});

test("the scale ends at its ends", () => {
  expect([-100, -60, -30, 0, 6].map(position)).toEqual([0, 0, 0.5, 1, 1]);
});

describe("a meter", () => {
  test("rises at once and falls 20 dB in 1.7 s", () => {
    const meter = new Ballistics();
    meter.push(both(-10), 0);
    expect(meter.shown[0]).toBe(-10);
    meter.push(both(-100), 1700);
    expect(meter.shown[0]).toBeCloseTo(-30);
  });

  test("never shows less than what comes in", () => {
    const meter = new Ballistics();
    meter.push(both(-10), 0);
    meter.push(both(-20), 5000);
    expect(meter.shown[0]).toBe(-20);
  });

  test("holds its peak line for 3 s, each side for itself", () => {
    const meter = new Ballistics();
    meter.push([-10, -50], 0);
    meter.push(both(-30), 3000);
    expect(meter.hold).toEqual([-10, -30]);
    meter.push(both(-30), 3001);
    expect(meter.hold[0]).toBe(-30);
  });

  test("keeps its maximum until it is reset", () => {
    const meter = new Ballistics();
    meter.push([-12, -3], 0);
    meter.push(both(-40), 60_000);
    expect(meter.maximum).toBe(-3);
    meter.resetMaximum();
    meter.push(both(-40), 60_100);
    expect(meter.maximum).toBe(-40);
  });
});

describe("the word", () => {
  test("gets louder only after 400 ms of evidence", () => {
    const meter = new Ballistics();
    meter.push(both(-20), 0);
    meter.push(both(-20), 399);
    expect(meter.verdict).toBe("silent");
    meter.push(both(-20), 400);
    expect(meter.verdict).toBe("good");
  });

  test("says clipping at once and for at least 3 s", () => {
    const meter = new Ballistics();
    meter.push([-0.5, -20], 0);
    expect(meter.verdict).toBe("clipping");
    meter.push(both(-20), 2900);
    expect(meter.verdict).toBe("clipping");
    meter.push(both(-20), 3100);
    expect(meter.verdict).toBe("good");
  });

  test("does not flicker between two spoken words", () => {
    const meter = new Ballistics();
    for (let at = 0; at <= 6000; at += 100) {
      meter.push(both(at % 1500 < 700 ? -15 : -70), at);
      if (at >= 500) expect(meter.verdict).toBe("good");
    }
  });
});
