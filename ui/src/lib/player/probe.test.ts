import { expect, test } from "vitest";
import { probe } from "./probe";

test("tells a missing interface from missing decoders", () => {
  expect(probe({})).toBe("mse-missing");
  expect(probe({ MediaSource: { isTypeSupported: () => false } })).toBe("codecs-missing");
  expect(probe({ MediaSource: { isTypeSupported: () => true } })).toBe("ok");
  expect(probe({ ManagedMediaSource: { isTypeSupported: (type) => type.includes("avc1") } })).toBe("ok");
});
