import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Backend, OnEvent } from "$lib/backend/backend";
import { cameras, encoders, microphones, settings, stageWith } from "$lib/backend/fake/devices";
import type { Snapshot } from "$lib/bindings/Snapshot";
import { locale } from "$lib/i18n/i18n.svelte";
import { Studio } from "./studio.svelte";

interface Wish {
  snapshot?: Partial<Snapshot>;
  stored?: object;
  language?: string;
}

function open(wish: Wish = {}) {
  const snapshot: Snapshot = {
    devices: { cameras, microphones, encoders },
    stage: stageWith(""),
    settings,
    run: null,
    language: null,
    ...wish.snapshot,
  };
  const link = { emit: (() => undefined) as OnEvent };
  const yes = () => vi.fn(() => Promise.resolve());
  const backend = {
    snapshot: vi.fn(() => Promise.resolve(snapshot)),
    subscribe: vi.fn((onEvent: OnEvent) => {
      link.emit = onEvent;
      return Promise.resolve();
    }),
    chooseCamera: yes(),
    chooseMicrophone: yes(),
    setSettings: vi.fn<Backend["setSettings"]>(() => Promise.resolve()),
    setLanguage: yes(),
    refreshDevices: yes(),
    closeAnswered: yes(),
    quit: yes(),
    setMuted: vi.fn<Backend["setMuted"]>(() => Promise.resolve()),
    goLive: yes(),
    stop: yes(),
  };
  const studio = new Studio(backend as unknown as Backend, {
    storage: { getItem: () => JSON.stringify(wish.stored ?? {}), setItem: () => undefined },
    support: "ok",
    language: wish.language ?? "en-US",
    visible: () => true,
  });
  return { studio, backend, emit: (...event: Parameters<OnEvent>) => link.emit(...event) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the language", () => {
  test.each<[string, Wish]>([
    ["ko", { snapshot: { language: "ko" }, stored: { language: "en" } }],
    ["ko", { stored: { language: "ko" } }],
    ["ko", { language: "ko-KR" }],
    ["en", { language: "fr-FR" }],
  ])("is %s for %o", async (language, wish) => {
    const { studio, backend } = open(wish);
    await studio.start();
    expect(locale.language).toBe(language);
    expect(backend.setLanguage).toHaveBeenCalledWith(language);
  });
});

describe("last time's choices", () => {
  const stored = { camera: "builtin", microphone: "unplugged", settings: { ...settings, fps: "25" } };

  test("come back as far as they still exist", async () => {
    const { studio, backend } = open({ stored });
    await studio.start();
    expect(backend.chooseCamera).toHaveBeenCalledWith("builtin");
    expect(backend.chooseMicrophone).not.toHaveBeenCalled();
    expect(studio.stage.settings?.fps).toBe("25");
  });

  test("never touch a run that is on", async () => {
    const run = { started: null, states: [], stats: null, playback: [], recording: null };
    const { studio, backend } = open({ stored, snapshot: { run } });
    await studio.start();
    expect(backend.chooseCamera).not.toHaveBeenCalled();
    expect(backend.setSettings).not.toHaveBeenCalled();
  });
});

test("what happens between listening and looking is not lost", async () => {
  const { studio, backend, emit } = open();
  backend.snapshot.mockImplementationOnce(async () => {
    const added = { id: "new", name: "New", default: false };
    emit({ event: "devices", cameras, microphones: [...microphones, added], encoders });
    return Promise.resolve({
      devices: { cameras, microphones, encoders },
      stage: stageWith(""),
      settings,
      run: null,
      language: null,
    });
  });
  await studio.start();
  expect(studio.stage.microphones.map(({ id }) => id)).toContain("new");
});

test("settings that the engine refuses are taken back and explained", async () => {
  const { studio, backend } = open();
  await studio.start();
  backend.setSettings.mockRejectedValueOnce({ code: "encoder-not-found", message: "m" });
  const changing = studio.stage.changeSettings({ encoder: "h264_x" });
  expect(studio.stage.settings?.encoder).toBe("h264_x");
  expect(await changing).toBe(false);
  expect(studio.stage.settings?.encoder).toBe("auto");
  expect(studio.stage.problem).toMatchObject({
    of: "settings",
    cause: { code: "encoder-not-found", message: "m" },
  });
});

test("looking again chooses nothing, so that the engine's own search goes on", async () => {
  const { studio, backend, emit } = open({ snapshot: { stage: stageWith("camera-gone") } });
  await studio.start();
  const looking = studio.stage.lookAgain();
  void studio.stage.lookAgain();
  expect(studio.stage.looking).toBe(true);
  await vi.advanceTimersByTimeAsync(500);
  await looking;
  expect(studio.stage.looking).toBe(false);
  expect(backend.refreshDevices).toHaveBeenCalledTimes(1);
  expect(backend.chooseCamera).not.toHaveBeenCalled();
  const failed = studio.stage.camera;
  emit({ event: "stage", ...stageWith("camera-gone"), camera: { ...failed, state: "opening", cause: null } });
  expect(studio.stage.camera).toBe(failed);
  emit({ event: "stage", ...stageWith("") });
  expect(studio.stage.camera.state).toBe("running");
});

describe("a screen reader", () => {
  test("hears that a device was lost, once", async () => {
    const { studio, emit } = open();
    await studio.start();
    emit({ event: "stage", ...stageWith("camera-gone") });
    expect(studio.announcer.alert).toContain("No picture from the camera");
    studio.announcer.say("", "alert");
    emit({ event: "stage", ...stageWith("camera-gone") });
    expect(studio.announcer.alert).toBe("");
  });

  test("hears that going live was refused, and that the player failed", async () => {
    const { studio, backend } = open();
    await studio.start();
    backend.goLive.mockRejectedValueOnce({ code: "port-in-use", message: "m" });
    studio.goLive();
    await vi.advanceTimersByTimeAsync(0);
    expect(studio.announcer.alert).toContain("Not live.");
    studio.player.enter("rtmp://host/app");
    studio.player.load();
    expect(studio.announcer.alert).toContain("Cannot play");
  });
});

test("last time's settings are there before anything can be pressed, whatever devices take", async () => {
  const stored = { camera: "builtin", settings: { ...settings, fps: "25" } };
  const { studio, backend } = open({ stored });
  backend.chooseCamera.mockImplementationOnce(() => new Promise(() => undefined));
  studio.goLive();
  void studio.start();
  await vi.advanceTimersByTimeAsync(0);
  expect(studio.ready).toBe(true);
  expect(backend.setSettings).toHaveBeenCalledTimes(1);
  expect(studio.stage.settings?.fps).toBe("25");
  expect(backend.goLive).not.toHaveBeenCalled();
});

test("mute shows what the engine says, not what was wished", async () => {
  const { studio, backend, emit } = open();
  await studio.start();
  await studio.toggleMute();
  expect(backend.setMuted).toHaveBeenCalledWith(true);
  expect(studio.stage.muted).toBe(false);
  emit({ event: "stage", ...stageWith(""), muted: true });
  expect(studio.stage.muted).toBe(true);
});

describe("the player", () => {
  const url = "http://127.0.0.1:8930/live/a/index.m3u8";
  const live = {
    event: "state",
    target: 0,
    state: "live",
    attempt: 1,
    server: null,
    cause: null,
    at: "",
  } as const;

  test("starts by itself when the run can be watched, once", async () => {
    const { studio, emit } = open();
    await studio.start();
    studio.goLive();
    emit(live);
    expect(studio.player.playing).toBeNull();
    emit({ event: "playback", target: 0, url });
    const first = studio.player.playing;
    expect(first?.url).toBe(url);
    emit(live);
    expect(studio.player.playing).toBe(first);
  });

  test("is not pulled away from what the person chose meanwhile", async () => {
    const { studio, emit } = open();
    await studio.start();
    studio.goLive();
    emit({ event: "playback", target: 0, url });
    studio.player.enter("https://cdn.example/a.m3u8");
    studio.player.load();
    emit(live);
    expect(studio.player.playing?.url).toBe("https://cdn.example/a.m3u8");
  });

  test("says what is wrong with an address that is none", async () => {
    const { studio } = open();
    await studio.start();
    studio.player.enter("rtmp://host/app");
    studio.player.load();
    expect(studio.player.status).toBe("error");
    expect(studio.player.cause?.code).toBe("playback-bad-address");
  });
});

describe("several targets", () => {
  const target = (target: number, name: string, connection: string | null) => ({
    target,
    name,
    encoding: 0,
    role: "primary",
    of: null,
    connection,
  });
  const state = (target: number, state: "live" | "reconnecting" | "failed") =>
    ({ event: "state", target, state, attempt: 1, server: null, cause: null, at: "" }) as const;

  async function two() {
    const all = open();
    await all.studio.start();
    const targets = [target(0, "local", null), target(1, "Main stage", "a")];
    all.emit({ event: "started", run: "r", encodings: [], targets });
    all.emit(state(0, "live"));
    all.emit(state(1, "live"));
    await vi.advanceTimersByTimeAsync(10_000);
    return all;
  }

  test("are told of by name, each for itself", async () => {
    const { studio, emit } = await two();
    emit(state(1, "reconnecting"));
    expect(studio.announcer.alert).toContain("Main stage");
    await vi.advanceTimersByTimeAsync(6000);
    emit(state(1, "live"));
    expect(studio.announcer.status).toBe("Main stage: connected again after 6 seconds.");
    emit(state(1, "failed"));
    expect(studio.announcer.alert).toContain("Main stage does not get the stream any more.");
    expect(studio.run.phase).toBe("live");
  });
});

test("a link that was opened shows what it would change, and stores nothing", async () => {
  const { studio, emit } = open();
  await studio.start();
  emit({ event: "import", id: 3, source: "grove", rows: [], encoding: null, ignored: [], offers: [] });
  expect(studio.imports.linked).toBe(true);
  expect(studio.view.current).toBe("live");
});
