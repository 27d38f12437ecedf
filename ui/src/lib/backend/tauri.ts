import { Channel, convertFileSrc, invoke } from "@tauri-apps/api/core";
import type { Event } from "$lib/bindings/Event";
import type { Snapshot } from "$lib/bindings/Snapshot";
import type { Backend } from "./backend";

/** Tauri gives a custom scheme the form that the system's webview wants. */
const fetchBase = () => convertFileSrc("", "fetch");

/** No two pictures have the same address: the web view keeps what it has seen. */
let number = 0;

/** The engine over Tauri's commands. */
export const tauri: Backend = {
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
