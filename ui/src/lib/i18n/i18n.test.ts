import { afterEach, describe, expect, test } from "vitest";
import type { Cause } from "$lib/bindings/Cause";
import { causeHere, reason } from "./cause";
import { fill, isKey, locale, t, tables, type Key } from "./i18n.svelte";

afterEach(() => locale.use("en"));
const places = (sentence: string) => [...sentence.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();

test("both languages have the same keys and placeholders", () => {
  expect(Object.keys(tables.ko).sort()).toEqual(Object.keys(tables.en).sort());
  for (const key of Object.keys(tables.en) as Key[]) {
    expect(places(tables.ko[key]), key).toEqual(places(tables.en[key]));
  }
});

test("words follow the language", () => {
  expect(t("run.go-live")).toBe("Go live");
  locale.use("ko");
  expect(t("run.go-live")).toBe("방송 시작");
  expect(t("state.live", { name: "a" })).toBe("방송 중: a");
});

test("a value is never taken for a placeholder, a missing one stays visible", () => {
  expect(fill("{a} and {b}", { a: "{b}", b: "x" })).toBe("{b} and x");
  expect(fill("{a}", {})).toBe("{a}");
});

test("inherited names are no keys", () => {
  expect(isKey("toString")).toBe(false);
  expect(isKey("cause.dns-failed")).toBe(true);
});

describe("a cause", () => {
  const cause = (code: string, more: Partial<Cause> = {}): Cause => ({ ...causeHere(code), ...more });

  test("says what is known of the provider", () => {
    const at = (provider: string) => reason(cause("hung-up-connect", { values: { provider } })).sentence;
    const general = tables.en["cause.hung-up-connect"];
    expect(at("medialive")).toBe(`${general} ${tables.en["likely.medialive.hung-up-connect"]}`);
    expect(at("nobody")).toBe(general);
  });

  test("is said in the window's language, whichever the engine spoke", () => {
    locale.use("ko");
    expect(reason(cause("dns-failed", { message: tables.en["cause.dns-failed"] }))).toEqual({
      sentence: tables.ko["cause.dns-failed"],
      evidence: null,
    });
  });

  test("names what it happened to in every language, whatever stands in the name", () => {
    const values = { name: "HD {detail} C920" };
    for (const language of ["en", "ko"] as const) {
      locale.use(language);
      expect(reason(cause("camera-gone", { values })).sentence).toContain("HD {detail} C920");
    }
  });

  test("keeps its evidence beside the sentence, unless the sentence says it", () => {
    const refused = cause("tcp-refused", { detail: "10.0.0.1:1935 refused the TCP connection" });
    expect(reason(refused)).toEqual({
      sentence: tables.en["cause.tcp-refused"],
      evidence: "10.0.0.1:1935 refused the TCP connection",
    });
    expect(reason(cause("bad-setting", { detail: "size 7x7" })).evidence).toBeNull();
    expect(reason(cause("camera-busy", { detail: "in use", values: { name: "C920" } })).evidence).toBeNull();
  });

  test("advises as it helps on this system", () => {
    const denied = cause("camera-denied", { values: { name: "C920" } });
    expect(reason(denied, "X11; Linux x86_64").sentence).toContain("group video");
    expect(reason(denied, "Windows NT 10.0").sentence).toContain("privacy settings");
    expect(reason(denied, "Macintosh; Intel Mac OS X").sentence).toContain("privacy settings");
  });

  test("that lacks a value is said as the engine said it", () => {
    expect(reason(cause("camera-gone", { message: "The camera A was disconnected." })).sentence).toBe(
      "The camera A was disconnected.",
    );
  });

  test("from the future is said in the engine's words", () => {
    expect(reason(cause("comet", { message: "A comet came." })).sentence).toBe("A comet came.");
    expect(reason(cause("comet")).sentence).toBe("comet");
  });
});
