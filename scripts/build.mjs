// npm packages, the window's pages, the programs; each only when something changed.

import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ROOT, run, say } from "./run.mjs";

/** Installs npm packages unless they are those of the lock file. */
export function packages() {
  if (newest(["package-lock.json", "package.json"]) > newest(["node_modules/.package-lock.json"])) {
    say("Installing npm packages");
    run("npm", ["ci", "--no-audit", "--no-fund"]);
  }
}

/** Builds the window's pages unless they are newer than everything they are made of. */
export function pages() {
  const sources = ["ui/src", "ui/index.html", "ui/vite.config.ts", "crates/words/en.json", "crates/words/ko.json", "package-lock.json"];
  if (newest(sources) > newest(["ui/dist/index.html"])) {
    say("Building the window's pages");
    run("npm", ["run", "--silent", "ui:build"]);
  }
}

/** Builds programs; cargo itself sees when there is nothing to do. */
export function programs(...names) {
  run("cargo", ["build", "--locked", ...names.flatMap((name) => ["-p", name])]);
}

/** tauri-driver, through which the stories drive the window. */
export function driver() {
  if (existsSync(join(ROOT, "target", "tools", "bin", "tauri-driver"))) return;
  say("Installing tauri-driver");
  run("cargo", ["install", "tauri-driver", "--version", "=2.1.0", "--locked", "--root", "target/tools"]);
}

/** When the newest of some files was changed; 0 when one is missing. */
function newest(paths) {
  const times = paths.map((path) => changed(join(ROOT, path)));
  return times.includes(0) ? 0 : Math.max(...times);
}

function changed(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const inside = readdirSync(path, { withFileTypes: true }).map((entry) => changed(join(path, entry.name)));
  return Math.max(0, ...inside);
}
