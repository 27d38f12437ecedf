import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Backend } from "$lib/backend/backend";
import { blank, ingest } from "$lib/backend/fake/book";
import { providers } from "$lib/backend/fake/providers";
import type { Connection } from "$lib/bindings/Connection";
import type { ConnectionDraft } from "$lib/bindings/ConnectionDraft";
import { causeHere } from "$lib/i18n/cause";
import { draftOf, emptyIngest, fieldOf, formOf, ingestOf, ladderOf, playbackFrom } from "./draft";
import { EditorState, SHOWN_MS } from "./editor.svelte";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const saved: Connection = {
  ...blank,
  id: "main",
  name: "Main stage",
  provider: "medialive",
  ingests: [
    { ...ingest("i", "primary", "rtmp://198.51.100.99/live"), user: "me", password: "***" },
    ingest("j", "backup", "rtmp://192.0.2.18/live"),
  ],
  playback: { url: "https://h/{key}.m3u8", derived: "typed", access: ["query", "Authorization"] },
  ladder: [1080, 720],
};

function open(connection: Connection | null = saved) {
  const backend = {
    saveConnection: vi.fn((_id: string | null, _draft: ConnectionDraft) =>
      Promise.resolve({ connection: saved, notices: [] as string[] }),
    ),
    revealKey: vi.fn((_id: string, _ingest: string) => Promise.resolve("KEY")),
  };
  return { backend, editor: new EditorState(backend as unknown as Backend, () => providers, connection) };
}

describe("a draft", () => {
  test("of an untouched form leaves every secret as it was saved", () => {
    const draft = draftOf(formOf(saved), undefined);
    expect(draft.ingests.map(({ id, key, password }) => [id, key, password])).toEqual([
      ["i", null, null],
      ["j", null, null],
    ]);
    expect(draft.playback).toEqual({ url: "https://h/{key}.m3u8", headers: null, cookies: null });
    expect(draft.ladder).toEqual([1080, 720]);
  });

  test("replaces what was typed and takes away what was dropped", () => {
    const form = formOf(saved);
    Object.assign(form.ingests[0]!, { key: " NEW ", user: "" });
    Object.assign(form.ingests[1]!, { dropKey: true });
    form.dropAccess = true;
    const draft = draftOf(form, undefined);
    expect(draft.ingests[0]).toMatchObject({ key: "NEW", user: null, password: "" });
    expect(draft.ingests[1]).toMatchObject({ key: "" });
    expect(draft.playback).toMatchObject({ headers: [], cookies: "" });
  });

  test("gives a new backup the primary's key only where the provider wants that", () => {
    const form = formOf(null);
    Object.assign(form.ingests[0]!, { address: "rtmps://a.rtmps.youtube.com/live2", key: "KEY" });
    form.ingests.push({ ...emptyIngest("backup"), address: "rtmps://b.rtmps.youtube.com/live2?backup=1" });
    const named = (id: string) => providers.find((provider) => provider.id === id);
    expect(draftOf(form, named("youtube")).ingests[1]?.key).toBe("KEY");
    expect(draftOf(form, named("medialive")).ingests[1]?.key).toBeNull();
  });

  test("leaves out a server that was not filled in, and asks to recognise the provider", () => {
    const draft = draftOf(formOf(null), undefined);
    expect(draft.ingests).toEqual([]);
    expect(draft.provider).toBeNull();
    expect(draft.playback).toBeNull();
  });
});

test.each([
  ["1080, 720,480", [1080, 720, 480]],
  ["480p 1080p 480p", [1080, 480]],
  ["", []],
])("the ladder %o is %o", (written, ladder) => expect(ladderOf(written)).toEqual(ladder));

test("a refusal is said at its field, and at the server that it counts", () => {
  expect(fieldOf(causeHere("profile-name-taken"))).toBe("name");
  expect(fieldOf(causeHere("comet"))).toBe("form");
  const form = formOf(saved);
  form.ingests.splice(1, 0, emptyIngest("also"));
  expect(ingestOf(causeHere("url-scheme", "Ingest 2: no"), form)).toBe(2);
  form.ingests[2]!.address = "http://no";
  expect(ingestOf(causeHere("url-scheme", "no"), form)).toBe(2);
  expect(ingestOf(causeHere("profile-playback"), form)).toBeNull();
});

test("a playback address is put together when everything is entered, and keeps the key's place", () => {
  const url = "https://{playback_host}/hls/{key}.m3u8";
  expect(playbackFrom(url, ["playback_host"], {})).toBeNull();
  expect(playbackFrom(url, ["playback_host"], { playback_host: " cdn " })).toBe("https://cdn/hls/{key}.m3u8");
});

describe("the provider", () => {
  test.each([
    ["rtmps://x9y8.global-contribute.live-video.net:443/app", "ivs"],
    ["rtmps://global-live.mux.com:443/app", "mux"],
    ["rtmp://media.town.org/live", ""],
    ["rtmp://198.51.100.99/live", ""],
    ["", ""],
  ])("of %s is recognised as %o", (address, provider) => {
    const { editor } = open(null);
    editor.form.ingests[0]!.address = address;
    expect(editor.recognised).toBe(provider);
  });

  test("gives a second server its own address where that is fixed", () => {
    const { editor } = open(null);
    editor.form.provider = "youtube";
    editor.addIngest();
    expect(editor.form.ingests[1]).toMatchObject({ role: "backup" });
    expect(editor.form.ingests[1]?.address).toContain("b.rtmps.youtube.com");
  });
});

describe("saving", () => {
  test("that fails loses nothing that was typed", async () => {
    const { editor, backend } = open();
    editor.form.ingests[0]!.key = "NEW";
    editor.form.name = "Taken";
    backend.saveConnection.mockRejectedValueOnce({ code: "profile-name-taken", message: "m" });
    expect(await editor.save()).toBeNull();
    expect(editor.field).toBe("name");
    expect(editor.form.ingests[0]?.key).toBe("NEW");
    expect(editor.form.name).toBe("Taken");
    expect(await editor.save()).not.toBeNull();
    expect(editor.cause).toBeNull();
    expect(backend.saveConnection.mock.calls[1]?.[0]).toBe("main");
  });

  test("twice at once saves once", async () => {
    const { editor, backend } = open();
    const [first, second] = await Promise.all([editor.save(), editor.save()]);
    expect(backend.saveConnection).toHaveBeenCalledTimes(1);
    expect([first === null, second === null]).toEqual([false, true]);
  });
});

describe("a key that was shown", () => {
  test("hides again by itself, and is never what is saved", async () => {
    const { editor, backend } = open();
    await editor.reveal("i");
    expect(editor.shownKey("i")).toBe("KEY");
    expect(editor.shownKey("j")).toBeNull();
    await vi.advanceTimersByTimeAsync(SHOWN_MS);
    expect(editor.shownKey("i")).toBeNull();
    await editor.reveal("i");
    await editor.save();
    expect(editor.shownKey("i")).toBeNull();
    expect(JSON.stringify(backend.saveConnection.mock.calls)).not.toContain("KEY");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("that cannot be shown says why", async () => {
    const { editor, backend } = open();
    backend.revealKey.mockRejectedValueOnce({ code: "key-store-locked", message: "m" });
    await editor.reveal("i");
    expect(editor.cause?.code).toBe("key-store-locked");
  });
});
