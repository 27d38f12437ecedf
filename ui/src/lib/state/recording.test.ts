import { expect, test, vi } from "vitest";
import type { Backend } from "$lib/backend/backend";
import type { Event } from "$lib/bindings/Event";
import { causeHere } from "$lib/i18n/cause";
import { Preferences } from "./preferences.svelte";
import { RecordingState } from "./recording.svelte";

function set() {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => void kept.set(key, text),
  };
  const backend = {
    recordings: vi.fn(() => Promise.resolve({ folder: "/films", broken: ["/films/a.mp4", "/films/b.mp4"] })),
    startRecording: vi.fn<Backend["startRecording"]>(() => Promise.resolve()),
    stopRecording: vi.fn(() => Promise.resolve()),
    repairRecording: vi.fn<Backend["repairRecording"]>((file) =>
      Promise.resolve({ file, duration_s: 3, cut_bytes: 0, changed: true }),
    ),
    cutMissed: vi.fn<Backend["cutMissed"]>(() => Promise.resolve([])),
  };
  const told: string[] = [];
  const recording = new RecordingState(backend as unknown as Backend, new Preferences(storage), (what) =>
    told.push(what),
  );
  return { backend, recording, told };
}

const event = (state: "recording" | "ended" | "failed"): Event => ({
  event: "recording",
  state,
  file: "/films/x.mp4",
  duration_s: 0,
  bytes: 0,
  cause: state === "failed" ? causeHere("disk-full") : null,
  at: "",
});

test("the switch is on from the first file to the last word of the recording", async () => {
  const { backend, recording, told } = set();
  await recording.load(null);
  recording.toggle();
  expect(recording.phase).toBe("starting");
  recording.toggle();
  expect(backend.startRecording.mock.calls).toEqual([[{ folder: "/films", quality: "as-sent" }]]);
  recording.apply(event("recording"));
  recording.apply(event("recording"));
  expect([recording.phase, recording.file, told]).toEqual(["on", "/films/x.mp4", ["began"]]);
  recording.toggle();
  recording.apply(event("recording"));
  expect([recording.phase, recording.on]).toEqual(["stopping", true]);
  recording.apply(event("ended"));
  expect([recording.phase, recording.problem, told]).toEqual(["off", null, ["began", "ended"]]);
});

test("what keeps it from beginning, or ends it, is told until it is read", async () => {
  const { backend, recording } = set();
  backend.startRecording.mockRejectedValueOnce(causeHere("recording-folder"));
  recording.toggle();
  await vi.waitFor(() => expect(recording.phase).toBe("off"));
  expect(recording.problem?.code).toBe("recording-folder");
  recording.toggle();
  expect(recording.problem).toBeNull();
  recording.apply(event("recording"));
  recording.apply(event("failed"));
  expect([recording.phase, recording.problem?.code]).toEqual(["off", "disk-full"]);
});

test("folder and quality are remembered, and an empty folder is the usual one", async () => {
  const { backend, recording } = set();
  await recording.load(null);
  recording.useFolder(" /mnt/stick ");
  recording.useQuality("full");
  recording.toggle();
  expect(backend.startRecording.mock.calls).toEqual([[{ folder: "/mnt/stick", quality: "full" }]]);
  recording.useFolder(" ");
  expect([recording.folder, recording.quality]).toEqual(["/films", "full"]);
});

test("a broken recording is mended or left for the next start", async () => {
  const { backend, recording } = set();
  await recording.load(null);
  backend.repairRecording.mockRejectedValueOnce(causeHere("disk-full"));
  await recording.repair("/films/a.mp4");
  expect([recording.broken.length, recording.unmended?.cause.code]).toEqual([2, "disk-full"]);
  await recording.repair("/films/a.mp4");
  expect([recording.broken, recording.repaired?.file]).toEqual([["/films/b.mp4"], "/films/a.mp4"]);
  recording.notNow("/films/b.mp4");
  expect([recording.broken, backend.repairRecording.mock.calls.length]).toEqual([[], 2]);
});
