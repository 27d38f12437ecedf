const APART_MS = 3000;

type Voice = "status" | "alert";

/**
 * What a screen reader says: transitions, at least 3 s apart, never numbers that run. Of several that come
 * meanwhile the last one is said, because only that is still true; an alert does not wait.
 */
export class Announcer {
  readonly #now: () => number;
  #status = $state("");
  #alert = $state("");
  #saidAt = -Infinity;
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  get status(): string {
    return this.#status;
  }
  get alert(): string {
    return this.#alert;
  }

  say(text: string, voice: Voice = "status"): void {
    clearTimeout(this.#waiting);
    const wait = voice === "alert" ? 0 : this.#saidAt + APART_MS - this.#now();
    if (wait > 0) this.#waiting = setTimeout(() => this.#speak(text, voice), wait);
    else this.#speak(text, voice);
  }

  #speak(text: string, voice: Voice): void {
    this.#saidAt = this.#now();
    this.#status = voice === "status" ? text : "";
    this.#alert = voice === "alert" ? text : "";
  }
}
