// Running other programs, and saying what happens.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { dirname } from "node:path";

/** The repository. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

export function say(text) {
  console.log(`\u25b8 ${text}`);
}

/** Ends this script with a sentence that says what to do. */
export function stop(text) {
  console.error(`\n\u2716 ${text}`);
  process.exit(1);
}

/** Runs a program in the repository, its output shown; ends this script when it fails. */
export function run(program, words, { env = {} } = {}) {
  const options = { cwd: ROOT, stdio: "inherit", env: { ...process.env, ...env }, shell: needsShell(program) };
  const { status, error, signal } = spawnSync(program, words, options);
  if (error) stop(`${program} could not be started: ${error.message}`);
  if (status !== 0) stop(`${program} ${words.slice(0, 3).join(" ")} failed (${signal ?? `exit code ${status}`}).`);
}

/** Runs a program in the repository and returns what it printed. */
export function quiet(program, words) {
  return spawnSync(program, words, { cwd: ROOT, encoding: "utf8", maxBuffer: 64 << 20, shell: needsShell(program) });
}

// On Windows npm is a batch file, which only a shell can start.
function needsShell(program) {
  return process.platform === "win32" && program === "npm";
}
