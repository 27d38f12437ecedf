import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Backend } from "$lib/backend/backend";
import { blank } from "$lib/backend/fake/book";
import { named } from "$lib/backend/fake/understand";
import type { ImportTable } from "$lib/bindings/ImportTable";
import { ImportState, SCAN_MS, SETTLED_MS } from "./import.svelte";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

function open() {
  let number = 0;
  const backend = {
    understand: vi.fn((_text: string, _passphrase: string | null) =>
      Promise.resolve(named("clash", (number += 1))),
    ),
    understandFiles: vi.fn(() => Promise.resolve(named("offers", (number += 1)))),
    scanQr: vi.fn<() => Promise<ImportTable | null>>(() => Promise.resolve(null)),
    takeImport: vi.fn((..._given: unknown[]) => Promise.resolve([{ ...blank, name: "Main stage" }])),
    dropImport: vi.fn((_id: number) => Promise.resolve()),
  };
  const taken = vi.fn();
  return { backend, taken, state: new ImportState(backend as unknown as Backend, taken) };
}

describe("a text", () => {
  test("is looked at once typing has come to rest", async () => {
    const { state, backend } = open();
    state.enter("rtmp://h/a");
    await pass(SETTLED_MS - 1);
    state.enter("rtmp://h/ab");
    await pass(SETTLED_MS);
    expect(backend.understand).toHaveBeenCalledExactlyOnceWith("rtmp://h/ab", null);
    expect(state.table?.source).toBe("grove");
  });

  test("that was overtaken is given up, and so is what is replaced", async () => {
    const { state, backend } = open();
    let late: (table: ImportTable) => void = () => undefined;
    backend.understand.mockImplementationOnce(() => new Promise((resolve) => (late = resolve)));
    state.enter("first");
    await pass(SETTLED_MS);
    state.enter("second");
    await pass(SETTLED_MS);
    late(named("table", 77));
    await pass(0);
    expect(state.table?.source).toBe("grove");
    expect(backend.dropImport).toHaveBeenCalledExactlyOnceWith(77);
    state.enter("third");
    await pass(SETTLED_MS);
    expect(backend.dropImport).toHaveBeenLastCalledWith(1);
  });

  test("that is taken away leaves nothing behind", async () => {
    const { state, backend } = open();
    state.enter("first");
    await pass(SETTLED_MS);
    state.enter("");
    await pass(SETTLED_MS);
    expect(state.table).toBeNull();
    expect(backend.dropImport).toHaveBeenCalledExactlyOnceWith(1);
  });

  test("that says nothing gives its cause", async () => {
    const { state, backend } = open();
    backend.understand.mockRejectedValueOnce({ code: "import-unknown", message: "m" });
    state.enter("hello");
    await pass(SETTLED_MS);
    expect(state.cause?.code).toBe("import-unknown");
    expect(state.busy).toBe(false);
  });
});

test.each(["import-passphrase", "import-sealed"])(
  "%s asks, and the answer goes to the same text",
  async (code) => {
    const { state, backend } = open();
    backend.understand.mockRejectedValueOnce({ code, message: "m" });
    state.enter("bundle");
    await pass(SETTLED_MS);
    expect(state.wantsPassphrase).toBe(true);
    expect(state.cause).toBeNull();
    backend.understand.mockRejectedValueOnce({ code: "passphrase-wrong", message: "m" });
    await state.enterPassphrase("no");
    expect(state.wantsPassphrase).toBe(true);
    expect(state.cause?.code).toBe("passphrase-wrong");
    await state.enterPassphrase("yes");
    expect(backend.understand).toHaveBeenLastCalledWith("bundle", "yes");
    expect(state.wantsPassphrase).toBe(false);
    expect(state.table).not.toBeNull();
  },
);

describe("what is taken", () => {
  test("is what was decided row by row; encoder settings only when asked for", async () => {
    const { state, backend, taken } = open();
    state.enter("x");
    await pass(SETTLED_MS);
    expect(state.useEncoding).toBe(false);
    state.chooseAction(0, "keep-both");
    state.chooseAction(1, "skip");
    expect(await state.take()).toBe(true);
    const rows = [
      { action: "keep-both", playback_path: null },
      { action: "skip", playback_path: null },
    ];
    expect(backend.takeImport).toHaveBeenCalledWith(1, { rows, offers: [] }, false);
    expect(taken).toHaveBeenCalledTimes(1);
    expect(state.table).toBeNull();
    expect(state.text).toBe("");
    expect(backend.dropImport).not.toHaveBeenCalled();
  });

  test("is nothing when every row is left out, unless an offer is", async () => {
    const { state } = open();
    await state.open([{ name: "out.json", base64: "" }]);
    state.chooseAction(0, "skip");
    expect(state.complete).toBe(false);
    state.toggleOffer(1);
    expect(state.complete).toBe(true);
    state.toggleOffer(1);
    expect(state.complete).toBe(false);
  });

  test("waits for a path where only a host is known", () => {
    const { state } = open();
    state.show(named("host", 5));
    expect(state.complete).toBe(false);
    state.enterPath(0, "/live/index.m3u8");
    expect(state.complete).toBe(true);
  });

  test("stays on screen when it could not be saved", async () => {
    const { state, backend } = open();
    state.show(named("clash", 5));
    backend.takeImport.mockRejectedValueOnce({ code: "settings-not-written", message: "m" });
    expect(await state.take()).toBe(false);
    expect(state.table?.id).toBe(5);
    expect(state.cause?.code).toBe("settings-not-written");
  });
});

test("a link that was opened stands in a sheet of its own until it is given up", () => {
  const { state, backend } = open();
  state.show(named("clash", 5));
  expect(state.linked).toBe(true);
  state.drop();
  expect(state.linked).toBe(false);
  expect(backend.dropImport).toHaveBeenCalledExactlyOnceWith(5);
});

describe("scanning", () => {
  test("looks twice a second until a code is seen", async () => {
    const { state, backend } = open();
    state.startScan();
    await pass(2 * SCAN_MS);
    expect(backend.scanQr).toHaveBeenCalledTimes(3);
    backend.scanQr.mockResolvedValueOnce(named("table", 9));
    await pass(SCAN_MS);
    expect(state.scanning).toBe(false);
    expect(state.table?.id).toBe(9);
    await pass(10 * SCAN_MS);
    expect(backend.scanQr).toHaveBeenCalledTimes(4);
  });

  test("that was cancelled takes nothing in, not even what was seen meanwhile", async () => {
    const { state, backend } = open();
    let late: (table: ImportTable) => void = () => undefined;
    backend.scanQr.mockImplementationOnce(() => new Promise((resolve) => (late = resolve)));
    state.startScan();
    state.stopScan();
    late(named("table", 9));
    await pass(0);
    expect(state.table).toBeNull();
    expect(backend.dropImport).toHaveBeenCalledExactlyOnceWith(9);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("goes on after a code that is no connection", async () => {
    const { state, backend } = open();
    backend.scanQr.mockRejectedValueOnce({ code: "import-unknown", message: "m" });
    state.startScan();
    await pass(0);
    expect(state.cause?.code).toBe("import-unknown");
    expect(state.scanning).toBe(true);
    await pass(SCAN_MS);
    expect(backend.scanQr).toHaveBeenCalledTimes(2);
    state.stopScan();
  });
});
