import { mount } from "svelte";
import "./app.css";
import { connect } from "$lib/backend";
import { probe, type Support } from "$lib/player/probe";
import { guardDesktop } from "$lib/desktop";
import { Studio } from "$lib/state/studio.svelte";
import Window from "./views/Window.svelte";

const wrong = new URLSearchParams(location.search).get("fault");

/** A plain browser may pretend to lack what some systems lack. */
function support(): Support {
  if (import.meta.env.PROD && "isTauri" in globalThis) return probe();
  if (wrong === "no-mse") return "mse-missing";
  return wrong === "no-codecs" ? "codecs-missing" : probe();
}

const studio = new Studio(await connect(), {
  storage: localStorage,
  support: support(),
  language: navigator.language,
  visible: () => !document.hidden,
});

// What tests and benches read; nothing here can be changed from outside.
Object.defineProperty(globalThis, "tamarack", {
  value: Object.freeze({ previewFrames: () => studio.preview.frames }),
});

guardDesktop();
const target = document.getElementById("app");
if (target) mount(Window, { target, props: { studio } });
