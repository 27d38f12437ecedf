export type Shortcut = "go-live" | "end" | "mute" | "live" | "connections" | "settings";

/** The parts of a keyboard event that decide. */
export type Press = Pick<
  KeyboardEvent,
  "code" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey" | "repeat" | "isComposing" | "keyCode"
>;

/** With Ctrl, or Command, and nothing else. */
const plain: Record<string, Shortcut> = {
  KeyD: "mute",
  Digit1: "live",
  Digit2: "connections",
  Comma: "settings",
};

/**
 * By physical key, so that a Korean layout works too. A held key repeats and an input method sends keys of its
 * own (some webviews as 229 with `isComposing` unset): neither may start or end a broadcast.
 */
export function shortcutOf(press: Press): Shortcut | null {
  if (press.repeat || press.isComposing || press.keyCode === 229) return null;
  if (!(press.ctrlKey || press.metaKey) || press.altKey) return null;
  const enter = press.code === "Enter" || press.code === "NumpadEnter";
  if (enter) return press.shiftKey ? "end" : "go-live";
  return press.shiftKey ? null : (plain[press.code] ?? null);
}
