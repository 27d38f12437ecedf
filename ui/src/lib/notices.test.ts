import { expect, test } from "vitest";
import { stageWith } from "$lib/backend/fake/devices";
import { notices, type Facts } from "./notices";

const calm: Facts = {
  phase: "idle",
  cause: null,
  microphone: stageWith("").microphone,
  alarms: [],
  problem: null,
};
const cause = { code: "dns-failed", message: "" };

test("nothing is said when nothing is wrong", () => {
  expect(notices(calm)).toEqual([]);
});

test("a failed run comes first, with trying again as the one action", () => {
  const { microphone } = stageWith("no-microphone");
  const list = notices({ ...calm, phase: "failed", cause, microphone });
  expect(list.map(({ id, remedy }) => [id, remedy])).toEqual([
    ["run", "try-again"],
    ["microphone", "look-again"],
  ]);
  expect(list[1]?.cause.code).toBe("microphone-not-found");
});

test("a cause while reconnecting is in the state's line, not on a card", () => {
  expect(notices({ ...calm, phase: "reconnecting", cause })).toEqual([]);
});

test("a source in trouble is told once, by its own card", () => {
  const alarm = (code: string) => ({ code, message: "m", since: "s", until: null });
  const list = notices({ ...calm, alarms: [alarm("camera-gone"), alarm("disk-low")] });
  expect(list.map(({ id }) => id)).toEqual(["alarm-disk-low"]);
});
