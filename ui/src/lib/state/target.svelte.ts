import type { Connection } from "$lib/bindings/Connection";
import type { Destination } from "$lib/bindings/Destination";
import { appPart, ingestProblem, serverName, serverPart, type IngestProblem } from "$lib/ingest";
import type { Choice, Preferences } from "./preferences.svelte";

/** Something that can be gone live to. */
export interface Candidate {
  choice: Choice;
  /** Null is this computer. */
  name: string | null;
  destination: Destination;
}

const isSaved = (choice: Choice) => choice.startsWith("profile:");

/** Where the next run goes. The key lives in this object only and is gone with the page. */
export class TargetState {
  readonly #preferences: Preferences;
  /** Null while they are being read. */
  readonly #connections: () => readonly Connection[] | null;
  #chosen = $state.raw<readonly Choice[]>(["local"]);
  #address = $state("");
  #key = $state("");
  /** An address whose whole path a server has accepted as its app: it may be stored as it is. */
  #accepted: string | null;

  constructor(preferences: Preferences, connections: () => readonly Connection[] | null = () => []) {
    this.#preferences = preferences;
    this.#connections = connections;
    this.#chosen = preferences.stored.targets;
    this.#address = preferences.stored.server;
    this.#accepted = this.#address;
  }

  /** What is chosen and still exists; at least one. A connection that was removed is not gone live to. */
  get chosen(): readonly Choice[] {
    if (this.#connections() === null) return this.#chosen;
    const there = this.#chosen.filter((choice) => !isSaved(choice) || this.#connection(choice));
    return there.length > 0 ? there : ["local"];
  }
  /** What a single choice is, and `several` otherwise. */
  get kind(): Choice | "several" {
    const [first = "local", ...rest] = this.chosen;
    return rest.length > 0 ? "several" : first;
  }
  get address(): string {
    return this.#address;
  }
  get key(): string {
    return this.#key;
  }
  get problem(): IngestProblem | null {
    return this.has("url") ? ingestProblem(this.#address) : null;
  }
  /** Empty while something that is chosen cannot be gone to. */
  get candidates(): readonly Candidate[] {
    const reading = this.#connections() === null && this.#chosen.some(isSaved);
    return this.problem || reading ? [] : this.chosen.map((choice) => this.#candidate(choice));
  }
  get destinations(): readonly Destination[] {
    return this.candidates.map(({ destination }) => destination);
  }
  get names(): readonly (string | null)[] {
    return this.candidates.map(({ name }) => name);
  }

  has(choice: Choice): boolean {
    return this.chosen.includes(choice);
  }

  /** This and nothing else. */
  choose(choice: Choice): void {
    this.#chosen = [choice];
    this.#store();
  }

  /** One more, or one less; the last one stays. */
  toggle(choice: Choice): void {
    const without = this.chosen.filter((other) => other !== choice);
    if (without.length === this.chosen.length) this.#chosen = [...without, choice];
    else if (without.length > 0) this.#chosen = without;
    this.#store();
  }

  enterAddress(address: string): void {
    this.#address = address;
    this.#store();
  }

  /** A server has accepted the stream. With the key in its own field, the address holds the app alone. */
  accepted(): void {
    if (!this.has("url") || this.#key.trim() === "") return;
    this.#accepted = this.#address;
    this.#store();
  }

  enterKey(key: string): void {
    this.#key = key;
  }

  #connection(choice: Choice): Connection | undefined {
    return this.#connections()?.find(({ id }) => choice === `profile:${id}`);
  }

  #candidate(choice: Choice): Candidate {
    const address = this.#address.trim();
    if (choice === "local") return { choice, name: null, destination: { kind: "local" } };
    if (choice === "url") {
      const key = this.#key.trim() || null;
      return { choice, name: serverName(address), destination: { kind: "url", url: address, key } };
    }
    const id = choice.slice("profile:".length);
    return { choice, name: this.#connection(choice)?.name ?? id, destination: { kind: "profile", id } };
  }

  #store(): void {
    const whole = this.#address === this.#accepted;
    // Not `chosen`: before the connections were read, those that were chosen must not be forgotten.
    this.#preferences.useTargets(this.#chosen, whole ? appPart(this.#address) : serverPart(this.#address));
  }
}
