// `npm run bench [broadcast|targets|first-byte|window]`: figures and ratios, never a verdict.

import { driver, packages, pages } from "./build.mjs";
import { run, stop } from "./run.mjs";
import { system } from "./system.mjs";

if (process.platform !== "linux") stop("The figures are taken with the stories' parts, which are for Linux.");
system({ tests: true });
packages();
pages();
driver();
run("cargo", ["build", "--locked", "--release", "-p", "cli", "-p", "tamarack-desktop"]);
run("cargo", ["run", "--locked", "--release", "-q", "-p", "e2e", "--bin", "bench", "--", ...process.argv.slice(2)]);
