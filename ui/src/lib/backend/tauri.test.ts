import { beforeEach, expect, test, vi } from "vitest";

const calls: { command: string; given: Record<string, unknown> }[] = [];

vi.mock("@tauri-apps/api/core", () => ({
  Channel: class {
    constructor(readonly onmessage: unknown) {}
  },
  convertFileSrc: (path: string, scheme: string) => `${scheme}://localhost/${path}`,
  invoke: (command: string, given: Record<string, unknown> = {}) => {
    calls.push({ command, given });
    return Promise.resolve();
  },
}));

beforeEach(() => void (calls.length = 0));

/** The names are a contract with src-tauri: there a misspelt one is found only when it is pressed. */
test("commands and their arguments have the names that the engine knows", async () => {
  const { tauri } = await import("./tauri");
  const settings = {} as never;
  await tauri.snapshot();
  await tauri.subscribe(() => undefined);
  await tauri.refreshDevices();
  await tauri.chooseCamera("c");
  await tauri.chooseMicrophone("m");
  await tauri.setMuted(true);
  await tauri.setSettings(settings);
  await tauri.goLive([{ kind: "local" }]);
  await tauri.stop();
  await tauri.addTarget({ kind: "local" });
  await tauri.stopTarget(1);
  await tauri.connections();
  await tauri.providers();
  await tauri.saveConnection(null, {} as never);
  await tauri.removeConnection("a");
  await tauri.duplicateConnection("a");
  await tauri.moveConnection("a", 0);
  await tauri.recoverConnections();
  await tauri.unlockKeys("p");
  await tauri.revealKey("a", "i");
  await tauri.advise([{ kind: "local" }]);
  await tauri.understand("t", null);
  await tauri.understandFiles([], null);
  await tauri.scanQr();
  await tauri.takeImport(1, { rows: [], offers: [] }, false);
  await tauri.dropImport(1);
  await tauri.exportConnection("a", "qr", false);
  await tauri.testConnection("a", false);
  await tauri.setLanguage("ko");
  await tauri.closeAnswered();
  await tauri.quit();
  expect(calls.map(({ command, given }) => [command, Object.keys(given).join()])).toEqual([
    ["snapshot", ""],
    ["subscribe", "onEvent"],
    ["refresh_devices", ""],
    ["choose_camera", "id"],
    ["choose_microphone", "id"],
    ["set_muted", "muted"],
    ["set_settings", "settings"],
    ["go_live", "destinations"],
    ["stop", ""],
    ["add_target", "destination"],
    ["stop_target", "target"],
    ["connections", ""],
    ["providers", ""],
    ["save_connection", "id,draft"],
    ["remove_connection", "id"],
    ["duplicate_connection", "id"],
    ["move_connection", "id,place"],
    ["recover_connections", ""],
    ["unlock_keys", "passphrase"],
    ["reveal_key", "id,ingest"],
    ["advise", "destinations"],
    ["understand", "text,passphrase"],
    ["understand_files", "files,passphrase"],
    ["scan_qr", ""],
    ["take_import", "id,choice,useEncoding"],
    ["drop_import", "id"],
    ["export_connection", "id,format,withKey"],
    ["test_connection", "id,publish"],
    ["set_language", "language"],
    ["close_answered", ""],
    ["quit", ""],
  ]);
});

test("the player's address travels whole, query and all", async () => {
  const { tauri } = await import("./tauri");
  const url = "https://cdn.example/a b.m3u8?token=x&y=1#z";
  const through = new URL(tauri.fetchThrough(url, 8000));
  expect(through.protocol).toBe("fetch:");
  expect(through.searchParams.get("url")).toBe(url);
  expect(through.searchParams.get("limit")).toBe("8000");
});

test("each preview picture is asked for at an address of its own, and decoded when it is there", async () => {
  const decoded: string[] = [];
  class Image {
    src = "";
    decode = () => Promise.resolve(void decoded.push(this.src));
  }
  vi.stubGlobal("Image", Image);
  const { tauri } = await import("./tauri");
  await tauri.nextPicture(638, 358);
  await tauri.nextPicture(638, 358);
  vi.unstubAllGlobals();
  const [first, second] = decoded.map((address) => new URL(address));
  expect(first?.protocol).toBe("preview:");
  expect(first?.searchParams.get("width")).toBe("638");
  expect(first?.searchParams.get("height")).toBe("358");
  expect(second?.href).not.toBe(first?.href);
});
