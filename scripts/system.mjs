// System packages: what is missing is named, then installed.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { quiet, run, say, stop } from "./run.mjs";

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
  "ffmpeg", "nginx-light", "libnginx-mod-rtmp", "pulseaudio", "pulseaudio-utils", "espeak-ng",
  "xvfb", "dbus", "webkit2gtk-driver", "chromium", "chromium-driver", "fonts-noto-cjk",
  "xdotool", "obs-studio",
];

const HOMEBREW = ["ffmpeg", "pkg-config"];
const HOMEBREW_TESTS = ["nginx", "espeak-ng"];

/** Installs what is missing for building, and for testing too when asked. */
export function system({ tests = false } = {}) {
  needs("cargo", "Rust is missing. Install it from https://rustup.rs, then run this again.");
  switch (process.platform) {
    case "linux":
      return debian(tests ? [...DEBIAN, ...DEBIAN_TESTS] : DEBIAN);
    case "darwin":
      return homebrew(tests ? [...HOMEBREW, ...HOMEBREW_TESTS] : HOMEBREW);
    case "win32":
      return windows();
    default:
      stop(`Tamarack has no set-up for ${process.platform}.`);
  }
}

function needs(program, otherwise) {
  if (spawnSync(program, ["--version"], { stdio: "ignore" }).error) stop(otherwise);
}

function debian(wanted) {
  if (spawnSync("dpkg-query", ["--version"], { stdio: "ignore" }).error) {
    say("This is no Debian or Ubuntu: packages are not checked. Needed here, by their Debian names:");
    say(`  ${wanted.join(" ")}`);
    return;
  }
  const listed = quiet("dpkg-query", ["-W", "-f", "${db:Status-Abbrev}${Package}\n"]).stdout.split("\n");
  const present = new Set(listed.filter((line) => line.startsWith("ii")).map((line) => line.slice(3).trim()));
  // Any nginx will do beside its RTMP module.
  if (present.has("nginx-core") || present.has("nginx-full") || present.has("nginx")) present.add("nginx-light");
  const missing = wanted.filter((name) => !present.has(name));
  if (missing.length === 0) return;
  const root = process.getuid() === 0;
  say(`Installing system packages${root ? "" : " with sudo, which may ask for your password"}: ${missing.join(" ")}`);
  const apt = (...words) => (root ? ["env", ["DEBIAN_FRONTEND=noninteractive", "apt-get", ...words]] : ["sudo", ["DEBIAN_FRONTEND=noninteractive", "apt-get", ...words]]);
  run(...apt("update", "-qq"));
  run(...apt("install", "-y", "-qq", "--no-install-recommends", ...missing));
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
  if (!process.env.LIBCLANG_PATH) {
    say("If the build misses libclang: install LLVM (winget install LLVM.LLVM) and set LIBCLANG_PATH to its bin folder.");
  }
}
