import { expect, test } from "vitest";
import { shortcutOf, type Press } from "./shortcuts";

const press = (change: Partial<Press>): Press => ({
  code: "Enter",
  ctrlKey: true,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  repeat: false,
  isComposing: false,
  keyCode: 13,
  ...change,
});

test.each<[string | null, Partial<Press>]>([
  ["go-live", {}],
  ["go-live", { code: "NumpadEnter", ctrlKey: false, metaKey: true }],
  ["end", { shiftKey: true }],
  ["mute", { code: "KeyD", keyCode: 68 }],
  ["live", { code: "Digit1", keyCode: 49 }],
  ["connections", { code: "Digit2", keyCode: 50 }],
  ["settings", { code: "Comma", keyCode: 188 }],
  [null, { code: "Digit2", shiftKey: true }],
  [null, { code: "KeyD", shiftKey: true }],
  [null, { ctrlKey: false }],
  [null, { altKey: true }],
  [null, { repeat: true }],
  [null, { isComposing: true }],
  [null, { keyCode: 229 }],
])("%s for %o", (shortcut, change) => {
  expect(shortcutOf(press(change))).toBe(shortcut);
});
