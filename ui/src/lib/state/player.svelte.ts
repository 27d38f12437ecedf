import type { Cause } from "$lib/bindings/Cause";
import { causeHere } from "$lib/i18n/cause";
import type { Support } from "$lib/player/probe";
import type { Figures, Status } from "$lib/player/status";

/** What is to be played; the number tells a second press on the same address from the first. */
export interface Playing {
  url: string;
  turn: number;
}

const nothing: Figures = { width: 0, height: 0, kbps: null, buffer: null, behind: null, dropped: null };

/** The player's address, state and figures. Addresses are never stored: they may hold a key or a token. */
export class PlayerState {
  readonly support: Support;
  readonly #failed: (cause: Cause) => void;
  #address = $state("");
  #playing = $state.raw<Playing | null>(null);
  #status = $state<Status>("idle");
  #cause = $state.raw<Cause | null>(null);
  #figures = $state.raw<Figures>(nothing);
  // The microphone would hear the speakers: sound is off until somebody asks for it.
  #muted = $state(true);
  #volume = $state(1);
  #ending = $state(false);
  #ofRun: string | null = null;
  #turn = 0;

  constructor(support: Support, failed: (cause: Cause) => void = () => undefined) {
    this.support = support;
    this.#failed = failed;
  }

  get address(): string {
    return this.#address;
  }
  get playing(): Playing | null {
    return this.#playing;
  }
  get status(): Status {
    return this.#status;
  }
  get cause(): Cause | null {
    return this.#cause;
  }
  get figures(): Figures {
    return this.#figures;
  }
  get muted(): boolean {
    return this.#muted;
  }
  get volume(): number {
    return this.#volume;
  }
  /** The source of what plays has stopped. */
  get ending(): boolean {
    return this.#ending;
  }

  enter(address: string): void {
    this.#address = address;
  }

  load(): void {
    this.#ofRun = null;
    this.#begin(this.#address.trim());
  }

  /** The stream that this window sends can be watched, or soon. */
  follow(url: string): void {
    this.#ofRun = url;
    this.#address = url;
    this.#begin(url);
  }

  /** The run is over: if that is what plays here, it plays out what it has. */
  runEnded(): void {
    if (this.#ofRun === null) return;
    this.#ofRun = null;
    this.#ending = true;
    if (this.#status === "loading" || this.#status === "waiting") this.stop();
  }

  stop(): void {
    this.#playing = null;
    this.#ofRun = null;
    this.#figures = nothing;
    this.report("idle");
  }

  report(status: Status, cause: Cause | null = null): void {
    const news = status === "error" && this.#status !== "error";
    this.#status = status;
    this.#cause = cause;
    if (news && cause) this.#failed(cause);
  }

  measure(figures: Figures): void {
    this.#figures = figures;
  }

  setMuted(muted: boolean): void {
    this.#muted = muted;
  }

  setVolume(volume: number): void {
    this.#volume = Math.min(1, Math.max(0, volume));
    this.#muted = this.#volume === 0;
  }

  #begin(url: string): void {
    this.#ending = false;
    this.#figures = nothing;
    if (this.support !== "ok") return;
    if (!/^https?:\/\/[^\s/]/i.test(url)) {
      this.#playing = null;
      this.report("error", causeHere("playback-bad-address"));
      return;
    }
    this.#turn += 1;
    this.#playing = { url, turn: this.#turn };
    this.report("loading");
  }
}
