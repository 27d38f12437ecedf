// `npm test`: from a fresh clone, everything that is checked before a change lands.

import { driver, packages, pages, programs } from "./build.mjs";
import { quiet, run, say, stop } from "./run.mjs";
import { needs, system } from "./system.mjs";

const started = Date.now();
function step(name, body) {
  const begun = Date.now();
  say(name);
  body();
  say(`${name}: ${((Date.now() - begun) / 1000).toFixed(0)} s`);
}

system({ tests: true });
for (const judge of ["ffmpeg", "ffprobe"]) {
  needs(judge, `The program ${judge} is missing: tests publish and judge with it. Put it into PATH, then run this again.`);
}
packages();

step("The window's types and words", () => {
  run("npm", ["run", "--silent", "ui:check"]);
  run("npm", ["run", "--silent", "ui:test"]);
});
step("The window's pages", pages);
step("The crates", () => run("cargo", ["test", "--locked", "--workspace", "--exclude", "e2e", "--exclude", "fake-camera"]));
step("The types that Rust and the window share", () => {
  const changed = quiet("git", ["status", "--porcelain", "--", "ui/src/lib/bindings"]).stdout.trim();
  if (changed) stop(`The types in ui/src/lib/bindings are not those of the studio; commit them:\n${changed}`);
});
if (process.platform === "linux") {
  step("The programs", () => {
    programs("cli", "tamarack-desktop");
    driver();
  });
  step("The stories", () => run("cargo", ["test", "--locked", "-p", "e2e", "--no-fail-fast"]));
} else {
  say("The stories are left out here: their cameras, servers and browsers are for Linux.");
}
say(`All passed in ${((Date.now() - started) / 60000).toFixed(1)} min`);
