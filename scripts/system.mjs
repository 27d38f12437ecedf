// System packages: what is missing is named, then installed.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ROOT, quiet, run, say, stop } from "./run.mjs";

/** To build and run. */
const DEBIAN = [
  "build-essential", "pkg-config", "clang", "libclang-dev", // bindings to FFmpeg and V4L2
  "libavcodec-dev", "libavformat-dev", "libavutil-dev", "libavfilter-dev", "libavdevice-dev",
  "libswscale-dev", "libswresample-dev", // FFmpeg
  "libasound2-dev", // ALSA, behind PulseAudio
  "libwebkit2gtk-4.1-dev", "libayatana-appindicator3-dev", "librsvg2-dev", "libssl-dev", // the window
  "gstreamer1.0-plugins-base", "gstreamer1.0-plugins-good", "gstreamer1.0-plugins-bad",
  "gstreamer1.0-libav", "gstreamer1.0-alsa", // the player in the window
];

/** To test: real servers, devices, browsers and judges. */
const DEBIAN_TESTS = [
  "ffmpeg", "iproute2", "nginx-light", "libnginx-mod-rtmp", "libnginx-mod-stream", "pulseaudio", "pulseaudio-utils",
  "espeak-ng", "xvfb", "dbus", "gnome-keyring", "libsecret-tools", "webkit2gtk-driver", "fonts-noto-cjk",
  "xdotool", "obs-studio", "openssl", "qrencode", "zbar-tools",
];

/** Chromium and its driver as Debian names them, and as Ubuntu does, where they bring a snap. */
const CHROMIUM = [["chromium", "chromium-driver"], ["chromium-browser", "chromium-chromedriver"]];

const HOMEBREW = ["ffmpeg", "pkg-config"];

/** Installs what is missing for building, and for testing too when asked. */
export function system({ tests = false } = {}) {
  node();
  needs("cargo", "Rust is missing. Install it from https://rustup.rs, then run this again.");
  switch (process.platform) {
    case "linux":
      return tests ? debian([...DEBIAN, ...DEBIAN_TESTS], !starts("chromedriver")) : debian(DEBIAN, false);
    case "darwin":
      return homebrew(HOMEBREW);
    case "win32":
      return windows();
    default:
      stop(`Tamarack has no set-up for ${process.platform}.`);
  }
}

/** The packages of the window do not run with an older Node, and say so in riddles. */
function node() {
  const wanted = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).engines.node.replace(">=", "");
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [least, after] = wanted.split(".").map(Number);
  if (major > least || (major === least && minor >= after)) return;
  stop(`Node ${process.versions.node} is too old. Install ${wanted} or newer from https://nodejs.org, then run this again.`);
}

function starts(program) {
  return !spawnSync(program, ["--version"], { stdio: "ignore" }).error;
}

/** Ends this script unless the program is there. */
export function needs(program, otherwise) {
  if (!starts(program)) stop(otherwise);
}

function debian(wanted, browser) {
  if (!starts("dpkg-query")) {
    say("This is no Debian or Ubuntu: packages are not checked. Needed here, by their Debian names:");
    say(`  ${[...wanted, ...(browser ? CHROMIUM[0] : [])].join(" ")}`);
    return;
  }
  const listed = quiet("dpkg-query", ["-W", "-f", "${db:Status-Abbrev}${Package}\n"]).stdout.split("\n");
  const present = new Set(listed.filter((line) => line.startsWith("ii")).map((line) => line.slice(3).trim()));
  // Any nginx will do beside its RTMP module.
  if (present.has("nginx-core") || present.has("nginx-full") || present.has("nginx")) present.add("nginx-light");
  const missing = wanted.filter((name) => !present.has(name));
  if (missing.length === 0 && !browser) return;
  const root = process.getuid() === 0;
  const apt = (...words) => run(...(root ? ["env"] : ["sudo"]), ["DEBIAN_FRONTEND=noninteractive", "apt-get", ...words]);
  say(`Missing: ${[...missing, ...(browser ? ["Chromium with its driver"] : [])].join(" ")}`);
  say(`Installing${root ? "" : " with sudo, which may ask for your password"}`);
  apt("update", "-qq");
  if (browser) missing.push(...chromium());
  apt("install", "-y", "-qq", "--no-install-recommends", ...missing);
}

/** The names under which this system has Chromium, once its lists of packages are there. */
function chromium() {
  const known = (name) => /Candidate: (?!\(none\))/.test(quiet("apt-cache", ["policy", name]).stdout);
  const names = CHROMIUM.find((pair) => pair.every(known));
  if (names) return names;
  stop(
    "This system has no package of Chromium and its driver. Install both in another way, so that " +
      "`chromedriver --version` answers; then run this again. With snap: sudo snap install chromium && " +
      "sudo ln -s /snap/bin/chromium.chromedriver /usr/local/bin/chromedriver",
  );
}

function homebrew(wanted) {
  needs("brew", "Homebrew is missing. Install it from https://brew.sh, then run this again.");
  const present = new Set(quiet("brew", ["list", "--formula", "-1"]).stdout.split("\n"));
  const missing = wanted.filter((name) => !present.has(name));
  if (missing.length === 0) return;
  say(`Installing with Homebrew: ${missing.join(" ")}`);
  run("brew", ["install", ...missing]);
}

function windows() {
  const ffmpeg = process.env.FFMPEG_DIR;
  if (!ffmpeg || !existsSync(ffmpeg)) {
    const vcpkg = process.env.VCPKG_ROOT;
    if (!vcpkg) {
      stop(
        "FFmpeg is missing. Either install vcpkg and set VCPKG_ROOT, or unpack a shared FFmpeg build (5.1 to 8, with " +
          "include and lib folders) and set FFMPEG_DIR to it; then run this again.",
      );
    }
    say("Installing FFmpeg with vcpkg; this takes a while.");
    run(`${vcpkg}\\vcpkg.exe`, ["install", "ffmpeg[core,avcodec,avformat,swscale,swresample,x264,gpl]:x64-windows"]);
    process.env.FFMPEG_DIR = `${vcpkg}\\installed\\x64-windows`;
  }
  // What is built finds FFmpeg's libraries by PATH when it runs.
  process.env.PATH = [join(process.env.FFMPEG_DIR, "bin"), process.env.PATH].join(delimiter);
  if (!process.env.LIBCLANG_PATH) {
    say("If the build misses libclang: install LLVM (winget install LLVM.LLVM) and set LIBCLANG_PATH to its bin folder.");
  }
}
