import type { Advice } from "$lib/bindings/Advice";
import type { Connection } from "$lib/bindings/Connection";
import type { ConnectionBook } from "$lib/bindings/ConnectionBook";
import type { ConnectionDraft } from "$lib/bindings/ConnectionDraft";
import type { ConnectionSaved } from "$lib/bindings/ConnectionSaved";
import type { Destination } from "$lib/bindings/Destination";
import type { Exported } from "$lib/bindings/Exported";
import type { ImportChoice } from "$lib/bindings/ImportChoice";
import type { ImportTable } from "$lib/bindings/ImportTable";
import type { Provider } from "$lib/bindings/Provider";
import type { Settings } from "$lib/bindings/Settings";
import { causeHere } from "$lib/i18n/cause";
import type { ConnectionBackend, ExportFormat, OnEvent, PickedFile } from "../backend";
import { advise } from "./advise";
import { blank, bookFor, ingest } from "./book";
import { stepsOf } from "./check";
import { providers, recognise } from "./providers";
import { named, understood } from "./understand";

const STEP_MS = 220;
const SCANS_UNTIL_FOUND = 6;
const PASSPHRASE = "correct horse";

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Saved connections in memory. What it pretends is said in `fake.ts`. */
export class FakeConnections implements ConnectionBackend {
  readonly #query: URLSearchParams;
  readonly #emit: OnEvent;
  readonly #settings: () => Settings;
  readonly #book: ConnectionBook;
  #tables = new Map<number, ImportTable>();
  #number = 0;
  #scans = 0;

  constructor(query: URLSearchParams, emit: OnEvent, settings: () => Settings) {
    this.#query = query;
    this.#emit = emit;
    this.#settings = settings;
    this.#book = bookFor(query.get("book") ?? "some", query.get("keys") ?? "system");
  }

  get all(): readonly Connection[] {
    return this.#book.connections;
  }

  /** A link was opened: the table that the address asks for. */
  open(): void {
    const which = this.#query.get("import");
    if (which) this.#emit({ event: "import", ...this.#kept(named(which, (this.#number += 1))) });
  }

  connections(): Promise<ConnectionBook> {
    return Promise.resolve(structuredClone(this.#book));
  }

  providers(): Promise<Provider[]> {
    return Promise.resolve(providers);
  }

  async saveConnection(id: string | null, draft: ConnectionDraft): Promise<ConnectionSaved> {
    await wait(120);
    this.#judge(id, draft);
    const before = this.#book.connections.find((known) => known.id === id);
    const connection = saved(before ?? { ...blank, id: `new-${(this.#number += 1)}` }, draft);
    if (before) this.#book.connections[this.#place(before.id)] = connection;
    else this.#book.connections.push(connection);
    const split = draft.ingests.some(({ address, key }) => !key && /:\/\/[^/]+\/[^/]+\/./.test(address));
    return { connection: structuredClone(connection), notices: split ? ["key-split"] : [] };
  }

  removeConnection(id: string): Promise<void> {
    this.#book.connections.splice(this.#place(id), 1);
    return Promise.resolve();
  }

  duplicateConnection(id: string): Promise<Connection> {
    const original = this.#book.connections[this.#place(id)] ?? blank;
    const number = (this.#number += 1);
    const copy = {
      ...structuredClone(original),
      id: `copy-${number}`,
      name: `${original.name} (${number + 1})`,
    };
    this.#book.connections.splice(this.#place(id) + 1, 0, { ...copy, used: null });
    return Promise.resolve(copy);
  }

  moveConnection(id: string, place: number): Promise<void> {
    const [moved] = this.#book.connections.splice(this.#place(id), 1);
    if (moved) this.#book.connections.splice(place, 0, moved);
    return Promise.resolve();
  }

  recoverConnections(): Promise<string | null> {
    const { connections } = bookFor("some", "system");
    Object.assign(this.#book, { connections, problem: null, recoverable: false });
    return Promise.resolve("/home/kim/.config/tamarack/connections.json.broken");
  }

  async unlockKeys(passphrase: string): Promise<void> {
    await wait(300);
    const { key_store: store } = this.#book;
    if (store?.locked && passphrase !== PASSPHRASE) throw causeHere("passphrase-wrong");
    if (passphrase.length < 8) throw causeHere("passphrase-short", "", { most: "8" });
    const { connections } = bookFor(this.#query.get("book") ?? "some", "file");
    if (store?.locked) Object.assign(this.#book, { connections });
    this.#book.key_store = { kind: "file", locked: false, warning: null };
  }

  revealKey(id: string, of: string): Promise<string> {
    const found = this.#book.connections[this.#place(id)]?.ingests.find((one) => one.id === of);
    if (this.#book.key_store?.locked) return Promise.reject(causeHere("key-store-locked"));
    return found?.key ? Promise.resolve("stage-key-7f3a91") : Promise.reject(causeHere("profile-no-key"));
  }

  advise(destinations: Destination[]): Promise<Advice> {
    return Promise.resolve(advise(destinations, this.#book.connections, this.#settings()));
  }

  async understand(text: string, passphrase: string | null): Promise<ImportTable> {
    await wait(150);
    if (text.includes("sealed") && passphrase === null) throw causeHere("import-passphrase");
    if (text.includes("sealed") && passphrase !== PASSPHRASE) throw causeHere("passphrase-wrong");
    const number = (this.#number += 1);
    if (text.includes("sealed")) return this.#kept(named("table", number));
    const names = this.#book.connections.map(({ name }) => name);
    return this.#kept(understood(text, number, names));
  }

  async understandFiles(files: PickedFile[], passphrase: string | null): Promise<ImportTable> {
    const texts = files.map(({ base64 }) => new TextDecoder().decode(bytesOf(base64)));
    return this.understand(texts.join("\n"), passphrase);
  }

  async scanQr(): Promise<ImportTable | null> {
    await wait(80);
    if (this.#query.has("no-code")) return null;
    this.#scans += 1;
    if (this.#scans % SCANS_UNTIL_FOUND !== 0) return null;
    return this.#kept({ ...named("table", (this.#number += 1)), source: "link" });
  }

  async takeImport(id: number, choice: ImportChoice, _useEncoding: boolean): Promise<Connection[]> {
    await wait(150);
    const table = this.#tables.get(id);
    if (!table) throw causeHere("import-gone");
    this.#tables.delete(id);
    const taken = table.rows.filter((_, at) => choice.rows[at]?.action !== "skip");
    return taken.map((row) => {
      const { name, provider, ingests, notices } = row;
      const replaces = row.clash !== null && choice.rows[table.rows.indexOf(row)]?.action === "replace";
      const id = replaces ? this.#named(name) : `new-${(this.#number += 1)}`;
      const playback = row.playback_url
        ? { url: row.playback_url.replace("***", "{key}"), derived: "imported", access: [] }
        : null;
      const connection = { ...blank, id, name, provider, ingests, playback, notices };
      if (replaces) this.#book.connections[this.#place(id)] = connection;
      else this.#book.connections.push(connection);
      return connection;
    });
  }

  dropImport(id: number): Promise<void> {
    this.#tables.delete(id);
    return Promise.resolve();
  }

  async exportConnection(id: string, format: ExportFormat, withKey: boolean): Promise<Exported> {
    await wait(120);
    const { name = "" } = this.#book.connections[this.#place(id)] ?? {};
    const link = `larix://set/v1?conn[][url]=rtmp%3A%2F%2F198.51.100.99%2Flive&conn[][name]=${encodeURIComponent(name)}`;
    const bundle = JSON.stringify(
      { tamarack: 1, connections: [{ name, sealed: withKey ? "…" : null }] },
      null,
      2,
    );
    return {
      format,
      text: format === "tamarack" ? bundle : link,
      svg: format === "qr" ? code(link) : null,
      passphrase: withKey && format === "tamarack" ? "maple-river-candle-42-stone" : null,
    };
  }

  async testConnection(id: string, publish: boolean): Promise<void> {
    const connection = this.#book.connections[this.#place(id)] ?? blank;
    const steps = stepsOf(connection, this.#query.get("check") === "fails", publish);
    const until = this.#query.get("check") === "running" ? Math.ceil(steps.length / 2) : steps.length;
    for (const step of steps.slice(0, until)) {
      await wait(STEP_MS);
      this.#emit({ event: "step", ...step });
    }
    if (until < steps.length) await new Promise(() => undefined);
  }

  #kept(table: ImportTable): ImportTable {
    this.#tables.set(table.id, table);
    return structuredClone(table);
  }

  #place(id: string): number {
    const place = this.#book.connections.findIndex((known) => known.id === id);
    if (place < 0) throw causeHere("profile-not-found", "", { name: id });
    return place;
  }

  #named(name: string): string {
    return this.#book.connections.find((known) => known.name === name)?.id ?? "";
  }

  #judge(id: string | null, draft: ConnectionDraft): void {
    const { name } = draft;
    if (this.#book.key_store?.locked) throw causeHere("key-store-locked");
    if (name.trim() === "") throw causeHere("profile-no-name");
    if (this.#book.connections.some((known) => known.name === name && known.id !== id))
      throw causeHere("profile-name-taken", "", { name });
    if (draft.ingests.length === 0) throw causeHere("profile-no-ingest");
    draft.ingests.forEach(({ address }, at) => {
      const wrong = /^rtmps?:\/\//.test(address) ? null : "url-scheme";
      if (wrong) throw causeHere(wrong, `Ingest ${at + 1}: it does not begin with rtmp:// or rtmps://`);
    });
    if (draft.playback && !/^https?:\/\/./.test(draft.playback.url)) throw causeHere("profile-playback");
  }
}

function saved(before: Connection, draft: ConnectionDraft): Connection {
  const [first] = draft.ingests;
  return {
    ...before,
    ...draft,
    provider: draft.provider ?? recognise(first?.address ?? ""),
    ingests: draft.ingests.map(({ id, role, address, key, user, password }, at) => {
      const known = before.ingests.find((one) => one.id === id);
      const [, server = address, end = ""] = /^(\w+:\/\/[^/]+\/[^/]+)\/?(.*)$/.exec(address) ?? [];
      const kept = key === null ? (known?.key ?? null) !== null || end !== "" : key !== "";
      return {
        ...ingest(known?.id ?? `${before.id}-${at}`, role, server, kept),
        user,
        password: password === null ? (known?.password ?? null) : password ? "***" : null,
      };
    }),
    playback: draft.playback && {
      url: draft.playback.url,
      derived: "typed",
      access: before.playback?.access ?? [],
    },
  };
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** Squares that look like a code; no camera can read them. */
function code(text: string): string {
  const side = 29;
  const seed = [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  const dark = (x: number, y: number) => ((x * 73 + y * 151 + ((x * y * seed) >>> 3)) >>> 0) % 5 < 2;
  const finder = (x: number, y: number) =>
    [
      [0, 0],
      [side - 7, 0],
      [0, side - 7],
    ].some(([left = 0, top = 0]) => {
      const ring = Math.max(Math.abs(x - left - 3), Math.abs(y - top - 3));
      return ring <= 3 && ring !== 2;
    });
  const near = (x: number, y: number) =>
    (x < 8 && y < 8) || (x > side - 9 && y < 8) || (x < 8 && y > side - 9);
  let path = "";
  for (let y = 0; y < side; y += 1)
    for (let x = 0; x < side; x += 1)
      if (near(x, y) ? finder(x, y) : dark(x, y)) path += `M${x + 2} ${y + 2}h1v1h-1z`;
  const box = `0 0 ${side + 4} ${side + 4}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h99v99H0z"/><path d="${path}"/></svg>`;
}
