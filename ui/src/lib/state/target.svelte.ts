import type { Destination } from "$lib/bindings/Destination";
import { ingestProblem, serverName, type IngestProblem } from "$lib/ingest";
import type { Preferences, TargetKind } from "./preferences.svelte";

/** Where the next run goes. The key lives in this object only and is gone with the page. */
export class TargetState {
  readonly #preferences: Preferences;
  #kind = $state<TargetKind>("local");
  #address = $state("");
  #key = $state("");

  constructor(preferences: Preferences) {
    this.#preferences = preferences;
    this.#kind = preferences.stored.target;
    this.#address = preferences.stored.server;
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
    this.#preferences.useTarget(kind, this.#address);
  }

  enterAddress(address: string): void {
    this.#address = address;
    this.#preferences.useTarget(this.#kind, address);
  }

  enterKey(key: string): void {
    this.#key = key;
  }
}
