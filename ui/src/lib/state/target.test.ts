import { expect, test } from "vitest";
import { blank } from "$lib/backend/fake/book";
import type { Connection } from "$lib/bindings/Connection";
import { Preferences } from "./preferences.svelte";
import { TargetState } from "./target.svelte";

const saved: Connection[] = [
  { ...blank, id: "a", name: "Main stage" },
  { ...blank, id: "b", name: "Overflow" },
];

function open(connections: () => readonly Connection[] | null = () => saved, text = "{}") {
  const store = {
    text,
    getItem: () => store.text,
    setItem: (_: string, value: string) => void (store.text = value),
  };
  return { store, target: new TargetState(new Preferences(store), connections) };
}

test("several are chosen one by one, and the last one stays", () => {
  const { target } = open();
  target.toggle("profile:a");
  target.toggle("profile:b");
  expect(target.kind).toBe("several");
  expect(target.names).toEqual([null, "Main stage", "Overflow"]);
  expect(target.destinations).toEqual([
    { kind: "local" },
    { kind: "profile", id: "a" },
    { kind: "profile", id: "b" },
  ]);
  for (const choice of ["local", "profile:a", "profile:b"] as const) target.toggle(choice);
  expect(target.chosen).toEqual(["profile:b"]);
});

test("only ids come back, and one that was removed is not gone live to", () => {
  const { target, store } = open();
  target.choose("profile:a");
  target.toggle("profile:b");
  expect(store.text).not.toContain("Main stage");
  const again = open(() => saved.slice(1), store.text).target;
  expect(again.chosen).toEqual(["profile:b"]);
  expect(open(() => [], store.text).target.chosen).toEqual(["local"]);
});

test("nothing is gone live to before it is known what was saved", () => {
  const { store, target } = open();
  target.choose("profile:a");
  const early = open(() => null, store.text).target;
  expect(early.destinations).toEqual([]);
  expect(early.kind).toBe("profile:a");
});

test("one address that cannot be used holds back all of them", () => {
  const { target } = open();
  target.toggle("url");
  expect(target.problem).toBe("empty");
  expect(target.destinations).toEqual([]);
  target.enterAddress("rtmp://host/app");
  expect(target.destinations).toHaveLength(2);
});
