import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Backend } from "$lib/backend/backend";
import type { Destination } from "$lib/bindings/Destination";
import type { StateName } from "$lib/bindings/StateName";
import type { Summary } from "$lib/bindings/Summary";
import { causeHere } from "$lib/i18n/cause";
import { DEAD_TIME_MS, RunState, type Phase } from "./run.svelte";

const local: Destination = { kind: "local" };
const server: Destination = { kind: "url", url: "rtmp://host/app/KEY", key: null };
const cause = causeHere("hung-up-publish");

function set() {
  const backend = {
    goLive: vi.fn<(destinations: Destination[]) => Promise<void>>(() => Promise.resolve()),
    stop: vi.fn(() => Promise.resolve()),
    quit: vi.fn(() => Promise.resolve()),
    addTarget: vi.fn<(destination: Destination) => Promise<number[]>>(() => Promise.resolve([1])),
    stopTarget: vi.fn<(target: number) => Promise<void>>(() => Promise.resolve()),
    closeAnswered: vi.fn(() => Promise.resolve()),
  };
  const phases: Phase[] = [];
  const told: string[] = [];
  const run = new RunState(backend as unknown as Backend, {
    phase: (_before, now) => void phases.push(now),
    target: (_before, now) => void told.push(`${now.name} ${now.state}`),
  });
  const state = (name: StateName, more: { target?: number; attempt?: number; cause?: typeof cause } = {}) =>
    run.apply({
      event: "state",
      target: more.target ?? 0,
      state: name,
      attempt: more.attempt ?? 1,
      server: name === "live" ? 0 : null,
      cause: more.cause ?? null,
      at: new Date().toISOString(),
    });
  const summary = (end: "ok" | "failed" = "ok") => run.apply({ event: "summary", ...summaryOf(end) });
  return { backend, run, state, summary, phases, told };
}

function summaryOf(end: "ok" | "failed"): Summary {
  return {
    duration_s: 5,
    captured: 150,
    encoded: 150,
    repeated: 0,
    dropped: 0,
    keyframe_s: { min: 2, max: 2 },
    targets: [
      {
        target: 0,
        end,
        cause: end === "failed" ? cause : null,
        bytes: 1,
        dropped: 0,
        live_s: 5,
        reconnects: 0,
        failovers: 0,
        gaps: [],
      },
    ],
    recording: null,
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

describe("dead time", () => {
  test("a double click on Go live does not cancel", async () => {
    const { run, backend } = set();
    run.requestLive([local]);
    expect(run.control).toBe("cancel");
    run.requestStop();
    await pass(DEAD_TIME_MS - 1);
    run.requestStop();
    expect(backend.stop).not.toHaveBeenCalled();
    await pass(1);
    run.requestStop();
    expect(backend.stop).toHaveBeenCalledTimes(1);
  });

  test("a double click does not answer the question that it opened", async () => {
    const { run, backend } = set();
    run.requestLive([server]);
    run.confirm();
    expect(run.confirming).toBe("live");
    expect(backend.goLive).not.toHaveBeenCalled();
    await pass(DEAD_TIME_MS);
    run.confirm();
    expect(backend.goLive).toHaveBeenCalledWith([server]);
  });

  test("a cancel that meets going live opens no question", async () => {
    const { run, state, backend } = set();
    run.requestLive([local]);
    await pass(DEAD_TIME_MS);
    state("live");
    run.requestStop();
    expect(run.confirming).toBeNull();
    expect(backend.stop).not.toHaveBeenCalled();
  });

  test("reconnecting changes no control, so nothing is dead", async () => {
    const { run, state } = set();
    run.requestLive([local]);
    state("live");
    await pass(DEAD_TIME_MS);
    state("reconnecting", { attempt: 2 });
    run.requestStop();
    expect(run.confirming).toBe("end");
  });
});

describe("a run", () => {
  test("goes to this computer without a question", () => {
    const { run, backend } = set();
    run.requestLive([local]);
    expect(backend.goLive).toHaveBeenCalledWith([local]);
    expect(run.phase).toBe("starting");
  });

  test("never names the key", () => {
    const { run } = set();
    run.requestLive([server]);
    vi.advanceTimersByTime(DEAD_TIME_MS);
    run.confirm();
    expect(run.name).toBe("host/app");
    run.apply({
      event: "started",
      run: "r",
      encodings: [],
      targets: [
        { target: 0, name: "rtmp://host/app/KEY", encoding: 0, role: "primary", of: null, connection: null },
      ],
    });
    expect(run.name).toBe("host/app");
  });

  test("asks before it ends, and a second press stops at once", async () => {
    const { run, state, backend, summary } = set();
    run.requestLive([local]);
    state("live");
    await pass(DEAD_TIME_MS);
    run.requestStop();
    await pass(DEAD_TIME_MS);
    run.confirm();
    expect(run.phase).toBe("stopping");
    await pass(DEAD_TIME_MS);
    expect(run.control).toBe("stop-now");
    run.requestStop();
    expect(backend.stop).toHaveBeenCalledTimes(2);
    summary();
    expect(run.phase).toBe("ended");
    expect(run.summary?.duration_s).toBe(5);
    expect(run.active).toBe(false);
  });

  test("counts the time since it was first live, through reconnecting", async () => {
    const { run, state } = set();
    run.requestLive([local]);
    state("connecting");
    await pass(5000);
    expect(run.elapsed).toBe(0);
    state("live");
    await pass(3000);
    state("reconnecting", { attempt: 1 });
    await pass(2000);
    expect(run.elapsed).toBe(5);
    state("live");
    await pass(1000);
    expect(run.elapsed).toBe(6);
  });

  test("keeps no timer when it is over", async () => {
    const { run, state, summary } = set();
    run.requestLive([local]);
    state("live");
    state("stopping");
    summary();
    await pass(DEAD_TIME_MS);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("that failed says why and cannot be started before its summary", async () => {
    const { run, state, summary, backend } = set();
    run.requestLive([local]);
    state("failed", { cause });
    await pass(DEAD_TIME_MS);
    expect(run.phase).toBe("failed");
    expect(run.cause).toEqual(cause);
    run.requestLive([local]);
    expect(backend.goLive).toHaveBeenCalledTimes(1);
    summary("failed");
    expect(run.phase).toBe("failed");
    expect(run.summary).toBeNull();
    run.requestLive([local]);
    expect(backend.goLive).toHaveBeenCalledTimes(2);
    expect(run.cause).toBeNull();
  });

  test("that could not start is failed with the engine's cause", async () => {
    const { run, backend } = set();
    backend.goLive.mockRejectedValueOnce({ code: "port-in-use", message: "m" });
    run.requestLive([local]);
    await pass(0);
    expect(run.phase).toBe("failed");
    expect(run.cause).toMatchObject({ code: "port-in-use", message: "m" });
    expect(run.wasLive).toBe(false);
    expect(run.active).toBe(false);
  });

  test("that was cancelled before it was live leaves nothing behind", async () => {
    const { run, state, summary } = set();
    run.requestLive([local]);
    state("connecting");
    await pass(DEAD_TIME_MS);
    run.requestStop();
    state("connecting", { attempt: 2 });
    expect(run.phase).toBe("stopping");
    summary("failed");
    expect(run.phase).toBe("idle");
    expect(run.cause).toBeNull();
  });

  test("that ends takes the open question with it", async () => {
    const { run, state, summary } = set();
    run.requestLive([local]);
    state("live");
    await pass(DEAD_TIME_MS);
    run.requestStop();
    expect(run.confirming).toBe("end");
    state("failed", { cause });
    summary("failed");
    expect(run.confirming).toBeNull();
    expect(run.summary).not.toBeNull();
  });

  test("whose encoder failed on air says so, with the engine's cause or without", () => {
    for (const told of [causeHere("encoder-failed"), null]) {
      const { run, state } = set();
      run.requestLive([local]);
      state("live");
      state("stopping");
      const summary = summaryOf("failed");
      const target = { ...summary.targets[0]!, cause: told };
      run.apply({ event: "summary", ...summary, targets: [target] });
      expect(run.phase).toBe("failed");
      expect(run.wasLive).toBe(true);
      expect(run.cause?.code).toBe(told ? "encoder-failed" : "unknown");
      expect(run.summary).not.toBeNull();
      run.clear();
      expect(run.phase).toBe("idle");
    }
  });

  test("that any target of failed is not a normal end", () => {
    const { run, state } = set();
    run.requestLive([local]);
    state("live");
    const [ok, failed] = [summaryOf("ok"), summaryOf("failed")];
    run.apply({ event: "summary", ...ok, targets: [...ok.targets, ...failed.targets] });
    expect(run.phase).toBe("failed");
  });

  test("is not cut by closing the window before the question was answered", async () => {
    const { run, state, backend } = set();
    run.requestLive([local]);
    state("live");
    await pass(DEAD_TIME_MS);
    run.requestQuit();
    run.requestQuit();
    expect(run.confirming).toBe("quit");
    expect(backend.closeAnswered).toHaveBeenCalledTimes(2);
    expect(backend.quit).not.toHaveBeenCalled();
    run.dismiss();
    expect(run.phase).toBe("live");
    run.requestQuit();
    await pass(DEAD_TIME_MS);
    run.confirm();
    expect(backend.quit).toHaveBeenCalledTimes(1);
    expect(run.phase).toBe("stopping");
  });

  test("that nobody sees yet needs no question to quit", () => {
    const { run, state, backend } = set();
    run.requestLive([local]);
    state("connecting");
    run.requestQuit();
    expect(run.confirming).toBeNull();
    expect(backend.quit).toHaveBeenCalledTimes(1);
  });

  test("tells every change of its phase, also a refusal of the engine", async () => {
    const { run, backend, phases } = set();
    backend.goLive.mockRejectedValueOnce({ code: "port-in-use", message: "m" });
    run.requestLive([local]);
    await pass(0);
    expect(phases).toEqual(["starting", "failed"]);
  });

  test("that was on before this page is taken up again", () => {
    const { run } = set();
    const at = new Date(Date.now() - 90_000).toISOString();
    run.load({
      started: {
        run: "r",
        encodings: [],
        targets: [{ target: 0, name: "local", encoding: 0, role: "primary", of: null, connection: null }],
      },
      states: [{ target: 0, state: "live", attempt: 1, server: 0, cause: null, at }],
      stats: null,
      playback: [
        { target: 1, url: "http://127.0.0.1:1/b.m3u8" },
        { target: 0, url: "http://127.0.0.1:1/a.m3u8" },
      ],
      recording: null,
    });
    expect(run.control).toBe("end");
    expect(run.elapsed).toBe(90);
    expect(run.playbackUrl, "the first that could be watched").toBe("http://127.0.0.1:1/b.m3u8");
  });
});

test("an alarm stays until its end is told", () => {
  const { run } = set();
  const alarm = { event: "alarm", code: "no-sound", message: "m", since: "s", until: null } as const;
  run.apply(alarm);
  run.apply(alarm);
  expect(run.alarms).toHaveLength(1);
  run.apply({ ...alarm, until: "u" });
  expect(run.alarms).toHaveLength(0);
});

describe("several targets", () => {
  const profile = (id: string): Destination => ({ kind: "profile", id });
  const target = (target: number, name: string, more = {}) => ({
    target,
    name,
    encoding: 0,
    role: "primary",
    of: null,
    connection: name === "local" ? null : name,
    ...more,
  });

  async function three() {
    const all = set();
    all.run.requestLive([local, profile("a"), profile("b")], [null, "A", "B"]);
    await pass(DEAD_TIME_MS);
    all.run.confirm();
    const targets = [target(0, "local"), target(1, "A"), target(2, "B")];
    all.run.apply({ event: "started", run: "r", encodings: [], targets });
    await pass(DEAD_TIME_MS);
    return all;
  }

  test("are all named in the question, and go out together", async () => {
    const { run, backend } = set();
    run.requestLive([local, profile("a")], [null, "Main stage"]);
    expect(run.confirming).toBe("live");
    expect(run.askedNames).toEqual([null, "Main stage"]);
    await pass(DEAD_TIME_MS);
    run.confirm();
    expect(backend.goLive).toHaveBeenCalledWith([local, profile("a")]);
    expect(run.askedNames).toEqual([]);
  });

  test("are live with the first of them, and not failed with one of them", async () => {
    const { run, state, phases } = await three();
    state("connecting", { target: 1 });
    expect(run.phase).toBe("connecting");
    state("live", { target: 1 });
    state("failed", { target: 2, cause });
    expect(run.phase).toBe("live");
    expect(run.cause).toBeNull();
    expect(run.targets[2]).toMatchObject({ state: "failed", cause });
    state("live");
    expect(run.liveCount).toBe(2);
    expect(phases).not.toContain("failed");
  });

  test("reconnect for the run only when nobody gets it any more", async () => {
    const { run, state } = await three();
    state("live", { target: 0 });
    state("live", { target: 1 });
    state("failed", { target: 2, cause });
    state("reconnecting", { target: 0, attempt: 2 });
    expect(run.phase).toBe("live");
    state("reconnecting", { target: 1, attempt: 4, cause });
    expect(run.phase).toBe("reconnecting");
    expect(run.onAir).toBe(true);
    state("failed", { target: 1, cause });
    expect(run.phase).toBe("reconnecting");
    state("failed", { target: 0, cause });
    expect(run.phase).toBe("failed");
    expect(run.cause).toEqual(cause);
  });

  test("each tell their own changes by name", async () => {
    const { state, told } = await three();
    state("live", { target: 1 });
    state("live", { target: 1 });
    state("failed", { target: 2, cause });
    expect(told).toEqual(["A live", "B failed"]);
  });

  test("one ends alone after a question, the last one ends the run in good order", async () => {
    const { run, state, backend } = await three();
    for (const target of [0, 1]) state("live", { target });
    state("failed", { target: 2, cause });
    await pass(DEAD_TIME_MS);
    run.requestStopTarget(2);
    expect(run.confirming).toBeNull();
    run.requestStopTarget(1);
    expect(run.askedNames).toEqual(["A"]);
    expect(backend.stopTarget).not.toHaveBeenCalled();
    await pass(DEAD_TIME_MS);
    run.confirm();
    expect(backend.stopTarget).toHaveBeenCalledWith(1);
    state("stopping", { target: 1 });
    state("stopped", { target: 1 });
    expect(run.phase).toBe("live");
    run.requestStopTarget(0);
    await pass(DEAD_TIME_MS);
    run.confirm();
    state("stopped", { target: 0 });
    const [ok, failed] = [summaryOf("ok"), summaryOf("failed")];
    run.apply({ event: "summary", ...ok, targets: [...ok.targets, ...failed.targets] });
    expect(run.phase).toBe("ended");
  });

  test("a question about a target that is over is taken back", async () => {
    const { run, state } = await three();
    for (const target of [0, 1]) state("live", { target });
    await pass(DEAD_TIME_MS);
    run.requestStopTarget(1);
    state("failed", { target: 1, cause });
    expect(run.confirming).toBeNull();
  });

  test("one joins after a question, and a refusal leaves the run alone", async () => {
    const { run, state, backend } = await three();
    run.requestAdd(profile("c"), "C");
    expect(run.confirming).toBeNull();
    state("live", { target: 1 });
    await pass(DEAD_TIME_MS);
    backend.addTarget.mockRejectedValueOnce({ code: "target-over-limit", message: "m" });
    run.requestAdd(profile("c"), "C");
    expect(run.confirming).toBe("add");
    expect(run.askedNames).toEqual(["C"]);
    await pass(DEAD_TIME_MS);
    run.confirm();
    await pass(0);
    expect(run.problem?.code).toBe("target-over-limit");
    expect(run.phase).toBe("live");
    run.apply({ event: "target", ...target(3, "C") });
    state("connecting", { target: 3 });
    expect(run.targets.at(-1)).toMatchObject({ name: "C", state: "connecting" });
    expect(run.phase).toBe("live");
  });
});

describe("a recording beside it", () => {
  const recording = (state: "recording" | "ended", run: RunState) =>
    run.apply({ event: "recording", state, file: "x", duration_s: 1, bytes: 1, cause: null, at: "" });
  const begun = (run: RunState) => {
    run.apply({ event: "started", run: "r", encodings: [], targets: [] });
    recording("recording", run);
  };
  const target = (at: number) =>
    ({
      event: "target",
      target: at,
      name: "local",
      encoding: 0,
      role: "primary",
      of: null,
      connection: null,
    }) as const;
  const recorded = { ...summaryOf("ok"), targets: [] };

  test("leaves Go live free, and the targets that join are the broadcast's", async () => {
    const { backend, run, state } = set();
    begun(run);
    expect([run.active, run.free, run.phase, run.control]).toEqual([true, true, "idle", "start"]);
    run.requestLive([local]);
    expect(backend.goLive).toHaveBeenCalledOnce();
    run.apply(target(3));
    state("connecting", { target: 3 });
    expect([run.phase, run.free]).toEqual(["connecting", false]);
    state("live", { target: 3 });
    expect([run.phase, run.targets.length]).toEqual(["live", 1]);
  });

  test("outlasts the broadcast, whose end takes its targets alone", async () => {
    const { backend, run, state } = set();
    begun(run);
    run.apply(target(0));
    state("live");
    vi.advanceTimersByTime(DEAD_TIME_MS);
    run.requestStop();
    vi.advanceTimersByTime(DEAD_TIME_MS);
    run.confirm();
    expect([backend.stop.mock.calls.length, backend.stopTarget.mock.calls]).toEqual([0, [[0]]]);
    state("stopped");
    expect([run.phase, run.active, run.free, run.summary]).toEqual(["ended", true, true, null]);
    recording("ended", run);
    expect(run.free).toBe(false);
    run.apply({ event: "summary", ...summaryOf("ok") });
    expect([run.phase, run.active, run.summary !== null]).toEqual(["ended", false, true]);
  });

  test("goes on when every target failed, which its own end does not tell again", () => {
    const { run, state } = set();
    begun(run);
    run.apply(target(0));
    state("failed", { cause });
    expect([run.phase, run.cause, run.free]).toEqual(["failed", cause, true]);
    run.clear();
    recording("ended", run);
    run.apply({ event: "summary", ...summaryOf("failed") });
    expect([run.phase, run.cause]).toEqual(["idle", null]);
  });

  test("alone has a summary and was no broadcast", () => {
    const { run, phases } = set();
    begun(run);
    recording("ended", run);
    run.apply({ event: "summary", ...recorded });
    expect([run.phase, run.wasLive, run.active, run.summary?.targets]).toEqual(["idle", false, false, []]);
    run.clear();
    expect([run.summary, phases]).toEqual([null, []]);
  });
});
