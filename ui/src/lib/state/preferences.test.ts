import { expect, test } from "vitest";
import { settings } from "$lib/backend/fake/devices";
import { Preferences } from "./preferences.svelte";
import { TargetState } from "./target.svelte";

function memory(text: string | null = null) {
  const store = {
    text,
    getItem: () => store.text,
    setItem: (_key: string, value: string) => void (store.text = value),
  };
  return store;
}

test("neither key nor anything after the app is ever stored", () => {
  const storage = memory();
  const target = new TargetState(new Preferences(storage));
  target.choose("url");
  const address = "rtmp://user:SECRET@host/app/SECRET?a=SECRET";
  for (let length = 1; length <= address.length; length += 1) {
    target.enterAddress(address.slice(0, length));
    expect(storage.text).not.toContain("SECRET");
  }
  target.enterKey("SECRET");
  target.choose("local");
  target.choose("url");
  expect(storage.text).toContain("rtmp://host/app");
  expect(storage.text).not.toContain("SECRET");
  expect(target.destinations).toEqual([{ kind: "url", url: address, key: "SECRET" }]);
});

test("an app of several parts comes back once a server has accepted it with the key beside it", () => {
  const storage = memory();
  const target = new TargetState(new Preferences(storage));
  target.choose("url");
  target.enterAddress("rtmp://user:SECRET@host/live/inst?a=SECRET");
  expect(new Preferences(storage).stored.server).toBe("rtmp://host/live");
  target.accepted();
  expect(new Preferences(storage).stored.server).toBe("rtmp://host/live");
  target.enterKey("SECRET");
  target.accepted();
  expect(new Preferences(storage).stored.server).toBe("rtmp://host/live/inst");
  expect(storage.text).not.toContain("SECRET");
  const again = new TargetState(new Preferences(storage));
  again.choose("url");
  expect(new Preferences(storage).stored.server).toBe("rtmp://host/live/inst");
  again.enterAddress("rtmp://host/live/SECRET");
  expect(storage.text).not.toContain("SECRET");
});

test("a bare key typed into the address field is not stored", () => {
  const storage = memory();
  new TargetState(new Preferences(storage)).enterAddress("live_12345_SECRET");
  expect(storage.text).not.toContain("SECRET");
});

test("choices come back", () => {
  const storage = memory();
  const first = new Preferences(storage);
  first.useLanguage("ko");
  first.useCamera("cam");
  first.useSettings({ ...settings, width: 1920 });
  first.useTargets(["url"], "rtmp://host/app");
  const second = new Preferences(storage);
  expect(second.stored).toMatchObject({
    language: "ko",
    camera: "cam",
    targets: ["url"],
    server: "rtmp://host/app",
  });
  expect(second.stored.settings?.width).toBe(1920);
  expect(new TargetState(second).destinations).toEqual([{ kind: "url", url: "rtmp://host/app", key: null }]);
});

test.each([
  ["not json"],
  ["null"],
  ["[]"],
  ['{"language":"xx","theme":"pink","targets":["moon",7],"order":1}'],
])("stored nonsense %s is harmless", (text) => {
  const { stored } = new Preferences(memory(text));
  expect(stored).toMatchObject({ language: null, theme: "dark", targets: ["local"], order: "used" });
});

test("a full or forbidden store is harmless", () => {
  const denied = () => {
    throw new DOMException("denied", "SecurityError");
  };
  const preferences = new Preferences({ getItem: denied, setItem: denied });
  preferences.useTheme("light");
  expect(preferences.stored.theme).toBe("light");
});

test("a file's path is not kept", () => {
  const storage = memory();
  new Preferences(storage).useCamera("file:/home/me/secret.mp4");
  expect(storage.text).not.toContain("secret");
});

test("nothing goes to a server without an address", () => {
  const target = new TargetState(new Preferences(memory()));
  target.choose("url");
  expect(target.destinations).toEqual([]);
  target.enterAddress("rtmp://host");
  expect(target.problem).toBe("bad-url");
  expect(target.destinations).toEqual([]);
});
