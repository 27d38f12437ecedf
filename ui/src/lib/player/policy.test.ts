import { expect, test } from "vitest";
import { configFor } from "./policy";

test("this computer's stream keeps one and a half segments of distance, a distant one three", () => {
  expect(configFor("http://127.0.0.1:8930/live/a/index.m3u8").liveSyncDurationCount).toBe(1.5);
  expect(configFor("http://localhost:8930/a").liveSyncDurationCount).toBe(1.5);
  expect(configFor("https://cdn.example/a").liveSyncDurationCount).toBe(3);
  expect(configFor("https://localhost.example/a").liveSyncDurationCount).toBe(3);
});

test("what was played does not stay in memory for ever", () => {
  expect(configFor("https://cdn.example/a").backBufferLength).toBeLessThanOrEqual(30);
});
