// `npm start`: from a fresh clone to the window, or to the same job without one.

import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { packages, pages, programs } from "./build.mjs";
import { ROOT, quiet, say, stop } from "./run.mjs";
import { system } from "./system.mjs";

const BUILT = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target", "debug");
const program = (name) => join(BUILT, process.platform === "win32" ? `${name}.exe` : name);

function hasDisplay() {
  return process.platform !== "linux" || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

/** The devices that are listed; whether they open is not known yet. */
function devices() {
  const listed = quiet(program("tamarack"), ["devices", "--json"]).stdout.split("\n").filter(Boolean);
  const events = listed.map((line) => JSON.parse(line).event);
  const camera = events.includes("camera") ? "default" : "pattern";
  if (camera === "pattern") say("No camera is connected: the test pattern takes its place.");
  return { camera, microphone: events.includes("microphone") ? "default" : "tone" };
}

const SYNTHETIC = { camera: "pattern", microphone: "tone" };

/** How `tamarack` ends when a device or an encoder does not work (docs/command-line.md). */
const DEVICE_FAILED = 3;

let child;
let ending = false;

/** Runs a program to its end; its exit code. */
function start(name, words) {
  return new Promise((ended) => {
    child = spawn(program(name), words, { stdio: "inherit" });
    child.on("exit", (code, signal) => ended(code ?? (signal ? 1 : 0)));
    child.on("error", (error) => stop(`${name} could not be started: ${error.message}`));
  });
}

function live({ camera, microphone }) {
  return start("tamarack", ["live", "--to", "local", "--camera", camera, "--mic", microphone]);
}

async function headless() {
  say("There is no display, so Tamarack runs without its window: it goes live to this computer.");
  const found = devices();
  say("Open the address that follows in any browser on this computer. Ctrl-C ends.");
  const code = await live(found);
  const synthetic = found.camera === SYNTHETIC.camera && found.microphone === SYNTHETIC.microphone;
  if (code !== DEVICE_FAILED || synthetic || ending) return code;
  say("A device cannot be used: the test pattern and its tone take the place of camera and microphone.");
  return live(SYNTHETIC);
}

system();
packages();
pages();
programs("tamarack-desktop", "cli");
// Ctrl-C reaches the child from the terminal; a kill of this script must reach it too.
process.on("SIGINT", () => (ending = true));
process.on("SIGTERM", () => {
  ending = true;
  child?.kill("SIGTERM");
});
process.exitCode = hasDisplay() ? await start("tamarack-desktop", []) : await headless();
