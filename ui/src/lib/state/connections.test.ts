import { expect, test, vi } from "vitest";
import type { Backend } from "$lib/backend/backend";
import { blank, ingest } from "$lib/backend/fake/book";
import type { ConnectionBook } from "$lib/bindings/ConnectionBook";
import { ConnectionsState, lastUsedFirst, matches } from "./connections.svelte";

const one = (id: string, used: string | null = null) => ({ ...blank, id, name: id, used });

function open() {
  const book: ConnectionBook = {
    connections: [one("a"), one("b", "2026-01-01T00:00:00Z"), one("c", "2026-02-01T00:00:00Z")],
    key_store: { kind: "memory", locked: false, warning: null },
    problem: null,
    recoverable: false,
  };
  const backend = {
    connections: vi.fn(() => Promise.resolve(book)),
    providers: vi.fn(() => Promise.resolve([])),
    moveConnection: vi.fn((_id: string, _place: number) => Promise.resolve()),
    removeConnection: vi.fn((_id: string) => Promise.resolve()),
    unlockKeys: vi.fn((_passphrase: string) => Promise.resolve()),
  };
  return { backend, state: new ConnectionsState(backend as unknown as Backend) };
}

test("the last used stands first, and what was never used keeps its own order behind", () => {
  const all = [one("a"), one("b", "2026-01-01T00:00:00Z"), one("c"), one("d", "2026-02-01T00:00:00Z")];
  expect(lastUsedFirst(all).map(({ id }) => id)).toEqual(["d", "b", "a", "c"]);
});

test("a search finds every word in name, provider and server", () => {
  const main = { ...one("Main stage"), ingests: [ingest("i", "primary", "rtmp://198.51.100.99/live")] };
  expect(matches(main, "AWS MediaLive", "")).toBe(true);
  expect(matches(main, "AWS MediaLive", "stage aws")).toBe(true);
  expect(matches(main, "AWS MediaLive", "198.51")).toBe(true);
  expect(matches(main, "AWS MediaLive", "stage mux")).toBe(false);
});

test("moving stops at both ends", async () => {
  const { state, backend } = open();
  await state.load();
  expect(await state.move("a", -1)).toBe(false);
  expect(await state.move("c", 1)).toBe(false);
  expect(await state.move("c", -1)).toBe(true);
  expect(backend.moveConnection).toHaveBeenCalledExactlyOnceWith("c", 1);
});

test("a refusal is kept to be shown, and the list is read anew all the same", async () => {
  const { state, backend } = open();
  await state.load();
  backend.removeConnection.mockRejectedValueOnce({ code: "settings-not-written", message: "m" });
  expect(await state.remove("a")).toBe(false);
  expect(state.problem?.code).toBe("settings-not-written");
  expect(backend.connections).toHaveBeenCalledTimes(2);
});

test("a wrong passphrase is said at its field", async () => {
  const { state, backend } = open();
  backend.unlockKeys.mockRejectedValueOnce({ code: "passphrase-wrong", message: "m" });
  expect(await state.unlock("no")).toBe(false);
  expect(state.refused?.code).toBe("passphrase-wrong");
  expect(state.problem).toBeNull();
  expect(await state.unlock("yes")).toBe(true);
  expect(state.refused).toBeNull();
});

test("connections that cannot be read at all are a problem, not an empty list that looks right", async () => {
  const { state, backend } = open();
  backend.connections.mockRejectedValueOnce({ code: "settings-no-home", message: "m" });
  await state.load();
  expect(state.loaded).toBe(true);
  expect(state.book.problem?.code).toBe("settings-no-home");
});
