import { Channel, convertFileSrc, invoke } from "@tauri-apps/api/core";
import type { Advice } from "$lib/bindings/Advice";
import type { Connection } from "$lib/bindings/Connection";
import type { ConnectionBook } from "$lib/bindings/ConnectionBook";
import type { ConnectionSaved } from "$lib/bindings/ConnectionSaved";
import type { Cut } from "$lib/bindings/Cut";
import type { Event } from "$lib/bindings/Event";
import type { Exported } from "$lib/bindings/Exported";
import type { ImportTable } from "$lib/bindings/ImportTable";
import type { Provider } from "$lib/bindings/Provider";
import type { Recordings } from "$lib/bindings/Recordings";
import type { Repaired } from "$lib/bindings/Repaired";
import type { Snapshot } from "$lib/bindings/Snapshot";
import type { Backend, ConnectionBackend, RecordingBackend } from "./backend";

/** Tauri gives a custom scheme the form that the system's webview wants. */
const fetchBase = () => convertFileSrc("", "fetch");

/** No two pictures have the same address: the web view keeps what it has seen. */
let number = 0;

const connections: ConnectionBackend = {
  connections: () => invoke<ConnectionBook>("connections"),
  providers: () => invoke<Provider[]>("providers"),
  saveConnection: (id, draft) => invoke<ConnectionSaved>("save_connection", { id, draft }),
  removeConnection: (id) => invoke("remove_connection", { id }),
  duplicateConnection: (id) => invoke<Connection>("duplicate_connection", { id }),
  moveConnection: (id, place) => invoke("move_connection", { id, place }),
  recoverConnections: () => invoke<string | null>("recover_connections"),
  unlockKeys: (passphrase) => invoke("unlock_keys", { passphrase }),
  revealKey: (id, ingest) => invoke<string>("reveal_key", { id, ingest }),
  advise: (destinations) => invoke<Advice>("advise", { destinations }),
  understand: (text, passphrase) => invoke<ImportTable>("understand", { text, passphrase }),
  understandFiles: (files, passphrase) => invoke<ImportTable>("understand_files", { files, passphrase }),
  scanQr: () => invoke<ImportTable | null>("scan_qr"),
  takeImport: (id, choice, useEncoding) => invoke<Connection[]>("take_import", { id, choice, useEncoding }),
  dropImport: (id) => invoke("drop_import", { id }),
  exportConnection: (id, format, withKey) => invoke<Exported>("export_connection", { id, format, withKey }),
  testConnection: (id, publish) => invoke("test_connection", { id, publish }),
};

const recordings: RecordingBackend = {
  recordings: () => invoke<Recordings>("recordings"),
  startRecording: (choice) => invoke("start_recording", { choice }),
  stopRecording: () => invoke("stop_recording"),
  repairRecording: (file) => invoke<Repaired>("repair_recording", { file }),
  cutMissed: (list) => invoke<Cut[]>("cut_missed", { list }),
};

/** The engine over Tauri's commands. */
export const tauri: Backend = {
  ...connections,
  ...recordings,
  snapshot: () => invoke<Snapshot>("snapshot"),
  subscribe: (onEvent) => invoke("subscribe", { onEvent: new Channel<Event>(onEvent) }),
  nextPicture: async (width, height) => {
    // As an image it never passes through the page's own memory, which costs a third less than its bytes would.
    const image = new Image();
    image.src = `${convertFileSrc("", "preview")}?width=${width}&height=${height}&number=${number++}`;
    await image.decode();
    return image;
  },
  refreshDevices: () => invoke("refresh_devices"),
  chooseCamera: (id) => invoke("choose_camera", { id }),
  chooseMicrophone: (id) => invoke("choose_microphone", { id }),
  setMuted: (muted) => invoke("set_muted", { muted }),
  setSettings: (settings) => invoke("set_settings", { settings }),
  goLive: (destinations) => invoke("go_live", { destinations }),
  stop: () => invoke("stop"),
  addTarget: (destination) => invoke<number[]>("add_target", { destination }),
  stopTarget: (target) => invoke("stop_target", { target }),
  setLanguage: (language) => invoke("set_language", { language }),
  closeAnswered: () => invoke("close_answered"),
  quit: () => invoke("quit"),
  fetchThrough: (url, limitMs) =>
    `${fetchBase()}?limit=${Math.round(limitMs)}&url=${encodeURIComponent(url)}`,
};
