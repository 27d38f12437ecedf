import { expect, test } from "vitest";
import { stageWith } from "$lib/backend/fake/devices";
import { causeHere } from "$lib/i18n/cause";
import { notices, type Facts } from "./notices";

const calm: Facts = {
  phase: "idle",
  wasLive: false,
  cause: null,
  microphone: stageWith("").microphone,
  alarms: [],
  problem: null,
  refused: null,
};
const cause = causeHere("dns-failed");

test("nothing is said when nothing is wrong", () => {
  expect(notices(calm)).toEqual([]);
});

test("a failed run comes first, with trying again as the one action", () => {
  const { microphone } = stageWith("no-microphone");
  const list = notices({ ...calm, phase: "failed", cause, microphone });
  expect(list.map(({ id, remedies }) => [id, ...remedies])).toEqual([
    ["run", "try-again", "dismiss"],
    ["microphone", "look-again"],
  ]);
  expect(list[1]?.cause.code).toBe("microphone-not-found");
});

test("a run that was on air did not fail to begin", () => {
  const title = (wasLive: boolean) => notices({ ...calm, phase: "failed", cause, wasLive })[0]?.title;
  expect([title(false), title(true)]).toEqual(["card.live-failed", "card.live-ended"]);
});

test("a cause while reconnecting is in the state's line, not on a card", () => {
  expect(notices({ ...calm, phase: "reconnecting", cause })).toEqual([]);
});

test("a source in trouble is told once, by its own card", () => {
  const alarm = (code: string) => ({ code, message: "m", since: "s", until: null });
  const list = notices({ ...calm, alarms: [alarm("camera-gone"), alarm("disk-low")] });
  expect(list.map(({ id }) => id)).toEqual(["alarm-disk-low"]);
});
