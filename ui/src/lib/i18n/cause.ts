import type { Cause } from "$lib/bindings/Cause";
import { fill, isKey, locale, tables, type Key } from "./i18n.svelte";

/** A cause in words: the sentence, and evidence beside it where the engine knew more. */
export interface Reason {
  sentence: string;
  evidence: string | null;
}

/** A cause that the page itself found. */
export function causeHere(code: string, detail = "", values: Cause["values"] = {}): Cause {
  return { code, message: "", detail, values };
}

/** As the engine names its systems. */
const systems: readonly [RegExp, string][] = [
  [/Windows/, "windows"],
  [/Mac OS|Macintosh/, "macos"],
  [/Linux|X11/, "linux"],
];

/** This system's own sentence where there is one: what helps against a denied camera differs. */
function keyOf(code: string, agent = globalThis.navigator?.userAgent ?? ""): Key | null {
  const system = systems.find(([pattern]) => pattern.test(agent))?.[1];
  const keys = [`cause.${code}-${system}`, `cause.${code}`];
  return keys.find(isKey) ?? null;
}

/** Their sentence names all that the error knows; the rest of it is meant for the command line. */
const COMPLETE = /^(camera|microphone)-(not-found|busy|denied|no-mode|stalled)$/;

/**
 * The engine words its causes in the language of that moment. The code and the values find the sentence again
 * after the language was switched; one that lacks its values is said as the engine said it.
 */
export function reason(cause: Cause, agent?: string): Reason {
  const key = keyOf(cause.code, agent);
  const said = cause.message || cause.detail || cause.code;
  const values = { detail: cause.detail || cause.code, ...cause.values };
  const general = key ? fill(tables[locale.language][key], values) : said;
  // What is known of the provider says more than a code alone.
  const likely = `likely.${cause.values["provider"] ?? ""}.${cause.code}`;
  const filled = key && isKey(likely) ? `${general} ${tables[locale.language][likely]}` : general;
  const sentence = /\{\w+\}/.test(filled) && cause.message ? cause.message : filled;
  const more = cause.detail && !sentence.includes(cause.detail) && !COMPLETE.test(cause.code);
  return { sentence, evidence: more ? cause.detail : null };
}
