// `npm start`: from a fresh clone to the window, or to the same job without one.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { packages, pages, programs } from "./build.mjs";
import { ROOT, quiet, say } from "./run.mjs";
import { system } from "./system.mjs";

const program = (name) => join(ROOT, "target", "debug", process.platform === "win32" ? `${name}.exe` : name);

function hasDisplay() {
  return process.platform !== "linux" || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

function headless() {
  say("There is no display, so Tamarack runs without its window: it goes live to this computer.");
  const listed = quiet(program("tamarack"), ["devices", "--json"]).stdout.split("\n").filter(Boolean);
  const events = listed.map((line) => JSON.parse(line).event);
  const camera = events.includes("camera") ? "default" : "pattern";
  const microphone = events.includes("microphone") ? "default" : "tone";
  if (camera === "pattern") say("No camera is connected: the test pattern takes its place.");
  say("Open the address that follows in any browser on this computer. Ctrl-C ends.");
  return ["live", "--to", "local", "--camera", camera, "--mic", microphone];
}

system();
packages();
pages();
programs("tamarack-desktop", "cli");

const [name, words] = hasDisplay() ? ["tamarack-desktop", []] : ["tamarack", headless()];
const child = spawn(program(name), words, { stdio: "inherit" });
// Ctrl-C reaches the child from the terminal; a kill of this script must reach it too.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
child.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
