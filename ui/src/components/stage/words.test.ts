import { expect, test } from "vitest";
import type { Source } from "$lib/bindings/Source";
import { unlistedWords } from "./words";

const words = (change: Partial<Source>, kind: "camera" | "microphone" = "camera") =>
  unlistedWords(kind, { id: "default", name: "", state: "opening", mode: null, cause: null, ...change });

test("nothing is called disconnected before it is known to be", () => {
  expect(words({})).toBe("Opening…");
  expect(words({ id: "v4l:1", name: "v4l:1" })).toBe("Opening…");
  expect(words({ id: "v4l:1", name: "C920", state: "running" })).toBe("C920");
});

test("an id is never shown as a name", () => {
  expect(words({ state: "failed" })).toBe("Choose a camera");
  expect(words({ id: "v4l:1", name: "v4l:1", state: "failed" })).toBe("The chosen camera is not connected");
  expect(words({ id: "v4l:1", name: "C920", state: "failed" })).toBe("Not connected: C920");
  expect(words({ id: "yeti", name: "yeti", state: "failed" }, "microphone")).toBe(
    "The chosen microphone is not connected",
  );
});
