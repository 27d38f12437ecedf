// `npm run check`: style and lints, nothing changed. `npm run fix` mends what can be mended.

import { packages, pages } from "./build.mjs";
import { run } from "./run.mjs";

packages();
pages();
run("cargo", ["fmt", "--all", "--check"]);
run("npm", ["run", "--silent", "ui:format:check"]);
run("npm", ["run", "--silent", "ui:check"]);
run("cargo", ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]);
