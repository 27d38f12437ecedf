import { expect, test, vi } from "vitest";
import type { Backend } from "$lib/backend/backend";
import { blank } from "$lib/backend/fake/book";
import type { Step } from "$lib/bindings/Step";
import type { StepResult } from "$lib/bindings/StepResult";
import { CheckState, grouped } from "./check.svelte";

const step = (ingest: number | null, name: string, result: StepResult = "passed"): Step => ({
  ingest,
  step: name,
  result,
  evidence: "",
  likely_cause: null,
  cause: null,
  took_ms: 1,
});

function open() {
  const link = { end: () => undefined as void };
  const testConnection = vi.fn(
    (_id: string, _publish: boolean) => new Promise<void>((resolve) => (link.end = resolve)),
  );
  return { testConnection, link, check: new CheckState({ testConnection } as unknown as Backend) };
}

test("steps stand by their server, playback last", () => {
  const groups = grouped([step(null, "playback"), step(1, "dns"), step(0, "dns"), step(1, "tcp")]);
  expect(groups.map(({ ingest, steps }) => [ingest, steps.map(({ step }) => step)])).toEqual([
    [0, ["dns"]],
    [1, ["dns", "tcp"]],
    [null, ["playback"]],
  ]);
});

test("a check runs until the engine says so, and one failed step is a failure", async () => {
  const { check, link, testConnection } = open();
  const running = check.start({ ...blank, id: "a" }, false);
  void check.start({ ...blank, id: "b" }, true);
  check.apply(step(0, "dns"));
  expect(check.result).toBe("running");
  check.apply(step(0, "tcp", "failed"));
  check.apply(step(0, "publish", "skipped"));
  link.end();
  await running;
  expect(check.result).toBe("failed");
  expect(testConnection).toHaveBeenCalledExactlyOnceWith("a", false);
});

test("what could not be checked at all has not passed", async () => {
  const { check, testConnection } = open();
  testConnection.mockRejectedValueOnce({ code: "key-store-locked", message: "m" });
  await check.start({ ...blank, id: "a" }, false);
  expect(check.result).toBe("failed");
  expect(check.cause?.code).toBe("key-store-locked");
});

test("after it was closed nothing of it is shown any more", async () => {
  const { check, link } = open();
  const running = check.start({ ...blank, id: "a" }, false);
  check.close();
  check.apply(step(0, "dns"));
  link.end();
  await running;
  expect(check.groups).toEqual([]);
  expect(check.connection).toBeNull();
});
