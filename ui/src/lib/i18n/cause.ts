import type { Cause } from "$lib/bindings/Cause";
import { fill, isKey, languages, locale, tables, type Key, type Values } from "./i18n.svelte";

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Reads the values back out of a sentence that was made from a template. */
function valuesIn(message: string, template: string): Values | null {
  const pattern = template
    .split(/(\{\w+\})/)
    .map((part) => part.replace(/^\{(\w+)\}$/, "(?<$1>.+)"))
    .map((part) => (part.startsWith("(?<") ? part : escaped(part)))
    .join("");
  const match = new RegExp(`^${pattern}$`, "s").exec(message);
  return match ? { ...match.groups } : null;
}

/** A cause in words: the sentence, and evidence beside it where the engine knew more. */
export interface Reason {
  sentence: string;
  evidence: string | null;
}

/**
 * The engine words its causes in the language of that moment. The code finds the sentence again after the
 * language was switched; what the engine said beyond the catalogue is kept as evidence.
 */
export function reason(cause: Cause): Reason {
  const key = `cause.${cause.code}`;
  if (!isKey(key)) return { sentence: cause.message || cause.code, evidence: null };
  const values = languages
    .map((language) => valuesIn(cause.message, tables[language][key as Key]))
    .find((found) => found !== null);
  const template = tables[locale.language][key];
  if (values) return { sentence: fill(template, values), evidence: null };
  const complete = !/\{\w+\}/.test(template);
  // What devices say beyond that is meant for the command line.
  const known = /^(camera|microphone)-/.test(cause.code);
  if (complete) return { sentence: template, evidence: known ? null : cause.message || null };
  return { sentence: fill(template, { detail: cause.message || cause.code }), evidence: null };
}
