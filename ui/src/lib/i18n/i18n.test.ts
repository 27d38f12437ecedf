import { afterEach, describe, expect, test } from "vitest";
import { reason } from "./cause";
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
  test("is said in the window's language, whichever the engine spoke", () => {
    const cause = { code: "dns-failed", message: tables.en["cause.dns-failed"] };
    locale.use("ko");
    expect(reason(cause)).toEqual({ sentence: tables.ko["cause.dns-failed"], evidence: null });
  });

  test("keeps its detail across languages", () => {
    const cause = {
      code: "rtmp-refused",
      message: fill(tables.ko["cause.rtmp-refused"], { detail: "a.b (c)" }),
    };
    expect(reason(cause)).toEqual({
      sentence: fill(tables.en["cause.rtmp-refused"], { detail: "a.b (c)" }),
      evidence: null,
    });
  });

  test("keeps what the engine knew beyond the catalogue", () => {
    expect(reason({ code: "tcp-refused", message: "ECONNREFUSED 10.0.0.1:1935" })).toEqual({
      sentence: tables.en["cause.tcp-refused"],
      evidence: "ECONNREFUSED 10.0.0.1:1935",
    });
    expect(reason({ code: "rtmp-refused", message: "NetStream.Publish.Denied" }).sentence).toContain(
      ": NetStream.Publish.Denied.",
    );
  });

  test("from the future is said in the engine's words", () => {
    expect(reason({ code: "comet", message: "A comet came." }).sentence).toBe("A comet came.");
    expect(reason({ code: "comet", message: "" }).sentence).toBe("comet");
  });
});
