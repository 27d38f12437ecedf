import en from "$words/en.json";
import ko from "$words/ko.json";

export const languages = ["en", "ko"] as const;
export type Language = (typeof languages)[number];
/** Every key of the catalogue: a misspelt one does not compile. */
export type Key = keyof typeof en;
export type Values = Record<string, string | number>;

export const tables: Record<Language, Record<Key, string>> = { en, ko };

export function isLanguage(text: unknown): text is Language {
  return languages.includes(text as Language);
}

export function isKey(text: string): text is Key {
  return Object.hasOwn(en, text);
}

/** One pass, so that a value which itself contains braces is shown as it is. */
export function fill(sentence: string, values: Values = {}): string {
  return sentence.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}

class Locale {
  #language = $state<Language>("en");

  get language(): Language {
    return this.#language;
  }

  use(language: Language): void {
    this.#language = language;
    // Fonts, line breaking and screen readers go by the document's language.
    if (typeof document !== "undefined") document.documentElement.lang = language;
  }

  /** A day, as people write it; what is no time is said as it is. */
  date(time: string): string {
    const at = Date.parse(time);
    return Number.isNaN(at)
      ? time
      : new Intl.DateTimeFormat(this.#language, { dateStyle: "medium" }).format(at);
  }

  number(value: number, digits = 0): string {
    return new Intl.NumberFormat(this.#language, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(value);
  }
}

export const locale = new Locale();

/** The sentence for `key` in the present language; reading it in a component follows the language. */
export function t(key: Key, values?: Values): string {
  return fill(tables[locale.language][key], values);
}

/** For a key that is put together from what the engine said; a later engine may say what has no words here. */
export function known(key: string, otherwise: string, values?: Values): string {
  return isKey(key) ? t(key, values) : otherwise;
}
