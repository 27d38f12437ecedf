// `npm run soak [-- minutes [seed [network|devices|none]]]`: an hour of broadcasting with faults at random, held against its bounds.

import { packages, pages } from "./build.mjs";
import { run, stop } from "./run.mjs";
import { system } from "./system.mjs";

if (process.platform !== "linux") stop("The soak is made with the stories' parts, which are for Linux.");
system({ tests: true });
packages();
pages();
run("cargo", ["build", "--locked", "--release", "-p", "cli"]);
run("cargo", ["run", "--locked", "--release", "-q", "-p", "e2e", "--bin", "soak", "--", ...process.argv.slice(2)]);
