import { causeOf, type Backend } from "$lib/backend/backend";
import type { Cause } from "$lib/bindings/Cause";
import type { Connection } from "$lib/bindings/Connection";
import type { ConnectionBook } from "$lib/bindings/ConnectionBook";
import type { Provider } from "$lib/bindings/Provider";
import type { Order } from "./preferences.svelte";

/** What was just saved, and codes of what should be known of it. */
export interface News {
  names: readonly string[];
  notices: readonly string[];
}

const nothing: ConnectionBook = { connections: [], key_store: null, problem: null, recoverable: false };

/** Last used first, the ones that were never used in their own order behind them. */
export function lastUsedFirst(connections: readonly Connection[]): readonly Connection[] {
  const at = ({ used }: Connection) => (used === null ? -Infinity : Date.parse(used));
  return [...connections].sort((a, b) => (at(a) === at(b) ? 0 : at(b) - at(a)));
}

/** Whether a search finds it: every word, in its name, its provider's name or its servers. */
export function matches(connection: Connection, provider: string, search: string): boolean {
  const servers = connection.ingests.map(({ server }) => server);
  const text = [connection.name, provider, ...servers].join(" ").toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** The saved connections and where their keys are. */
export class ConnectionsState {
  readonly #backend: Backend;
  #book = $state.raw<ConnectionBook>(nothing);
  #providers = $state.raw<readonly Provider[]>([]);
  #loaded = $state(false);
  /** The last wish that the engine did not grant. */
  #problem = $state.raw<Cause | null>(null);
  #unlocking = $state(false);
  #refused = $state.raw<Cause | null>(null);
  #aside = $state<string | null>(null);
  #news = $state.raw<News | null>(null);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get all(): readonly Connection[] {
    return this.#book.connections;
  }
  get book(): ConnectionBook {
    return this.#book;
  }
  get providers(): readonly Provider[] {
    return this.#providers;
  }
  get loaded(): boolean {
    return this.#loaded;
  }
  get problem(): Cause | null {
    return this.#problem;
  }
  get unlocking(): boolean {
    return this.#unlocking;
  }
  /** Why the passphrase was not taken. */
  get refused(): Cause | null {
    return this.#refused;
  }
  get news(): News | null {
    return this.#news;
  }
  /** Where the file is that could not be read, after the last good copy took its place. */
  get aside(): string | null {
    return this.#aside;
  }

  listed(order: Order): readonly Connection[] {
    return order === "used" ? lastUsedFirst(this.all) : this.all;
  }

  provider(id: string): Provider | undefined {
    return this.#providers.find((provider) => provider.id === id);
  }

  async load(): Promise<void> {
    try {
      if (this.#providers.length === 0) this.#providers = await this.#backend.providers();
      this.#book = await this.#backend.connections();
    } catch (error) {
      this.#book = { ...nothing, problem: causeOf(error) };
    }
    this.#loaded = true;
  }

  /** Something was saved: it is told, and the list is read anew. */
  keep(saved: readonly Connection[], notices: readonly string[]): Promise<void> {
    this.#news = { names: saved.map(({ name }) => name), notices };
    return this.load();
  }

  dismissNews(): void {
    this.#news = null;
  }

  remove(id: string): Promise<boolean> {
    return this.#wish(() => this.#backend.removeConnection(id));
  }

  duplicate(id: string): Promise<boolean> {
    return this.#wish(async () => {
      const { name } = await this.#backend.duplicateConnection(id);
      this.#news = { names: [name], notices: [] };
    });
  }

  /** By this many places in the person's own order. */
  async move(id: string, by: number): Promise<boolean> {
    const at = this.all.findIndex((connection) => connection.id === id);
    const place = at + by;
    if (at < 0 || place < 0 || place >= this.all.length) return false;
    return this.#wish(() => this.#backend.moveConnection(id, place));
  }

  async recover(): Promise<void> {
    await this.#wish(async () => (this.#aside = await this.#backend.recoverConnections()));
  }

  async unlock(passphrase: string): Promise<boolean> {
    this.#unlocking = true;
    this.#refused = null;
    try {
      await this.#backend.unlockKeys(passphrase);
      await this.load();
      return true;
    } catch (error) {
      this.#refused = causeOf(error);
      return false;
    } finally {
      this.#unlocking = false;
    }
  }

  dismissProblem(): void {
    this.#problem = null;
    this.#aside = null;
  }

  async #wish(call: () => Promise<unknown>): Promise<boolean> {
    try {
      await call();
      this.#problem = null;
    } catch (error) {
      this.#problem = causeOf(error);
    }
    await this.load();
    return this.#problem === null;
  }
}
