import type { Destination } from "$lib/bindings/Destination";
import { appPart, ingestProblem, serverName, serverPart, type IngestProblem } from "$lib/ingest";
import type { Preferences, TargetKind } from "./preferences.svelte";

/** Where the next run goes. The key lives in this object only and is gone with the page. */
export class TargetState {
  readonly #preferences: Preferences;
  #kind = $state<TargetKind>("local");
  #address = $state("");
  #key = $state("");
  /** An address whose whole path a server has accepted as its app: it may be stored as it is. */
  #accepted: string | null;

  constructor(preferences: Preferences) {
    this.#preferences = preferences;
    this.#kind = preferences.stored.target;
    this.#address = preferences.stored.server;
    this.#accepted = this.#address;
  }

  get kind(): TargetKind {
    return this.#kind;
  }
  get address(): string {
    return this.#address;
  }
  get key(): string {
    return this.#key;
  }
  get name(): string {
    return serverName(this.#address);
  }
  get problem(): IngestProblem | null {
    return this.#kind === "local" ? null : ingestProblem(this.#address);
  }
  /** Null while there is no address to go to. */
  get destination(): Destination | null {
    if (this.#kind === "local") return { kind: "local" };
    if (this.problem) return null;
    return { kind: "url", url: this.#address.trim(), key: this.#key.trim() || null };
  }

  choose(kind: TargetKind): void {
    this.#kind = kind;
    this.#store();
  }

  enterAddress(address: string): void {
    this.#address = address;
    this.#store();
  }

  /** A server has accepted the stream. With the key in its own field, the address holds the app alone. */
  accepted(): void {
    if (this.#kind === "local" || this.#key.trim() === "") return;
    this.#accepted = this.#address;
    this.#store();
  }

  enterKey(key: string): void {
    this.#key = key;
  }

  #store(): void {
    const whole = this.#address === this.#accepted;
    this.#preferences.useTarget(this.#kind, whole ? appPart(this.#address) : serverPart(this.#address));
  }
}
