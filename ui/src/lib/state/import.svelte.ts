import { causeOf, type Backend, type PickedFile } from "$lib/backend/backend";
import type { Cause } from "$lib/bindings/Cause";
import type { Connection } from "$lib/bindings/Connection";
import type { ImportAction } from "$lib/bindings/ImportAction";
import type { ImportTable } from "$lib/bindings/ImportTable";
import { causeHere } from "$lib/i18n/cause";

/** Typing has come to rest. */
export const SETTLED_MS = 450;
export const SCAN_MS = 500;

const SEALED = ["import-passphrase", "import-sealed", "passphrase-wrong"];

/**
 * What was pasted, opened, dropped, scanned or linked, until a person has saved it or given it up. The text may
 * hold keys: it lives in this object only.
 */
export class ImportState {
  readonly #backend: Backend;
  readonly #taken: (connections: Connection[]) => void;
  #text = $state("");
  #table = $state.raw<ImportTable | null>(null);
  #actions = $state.raw<readonly ImportAction[]>([]);
  #paths = $state.raw<readonly string[]>([]);
  #offers = $state.raw<readonly number[]>([]);
  #useEncoding = $state(false);
  #cause = $state.raw<Cause | null>(null);
  #wantsPassphrase = $state(false);
  #busy = $state(false);
  #scanning = $state(false);
  #linked = $state(false);
  #again: ((passphrase: string | null) => Promise<ImportTable>) | null = null;
  #turn = 0;
  #settling: ReturnType<typeof setTimeout> | undefined;
  #polling: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend, taken: (connections: Connection[]) => void = () => undefined) {
    this.#backend = backend;
    this.#taken = taken;
  }

  get text(): string {
    return this.#text;
  }
  get table(): ImportTable | null {
    return this.#table;
  }
  get useEncoding(): boolean {
    return this.#useEncoding;
  }
  get cause(): Cause | null {
    return this.#cause;
  }
  get wantsPassphrase(): boolean {
    return this.#wantsPassphrase;
  }
  get busy(): boolean {
    return this.#busy;
  }
  get scanning(): boolean {
    return this.#scanning;
  }
  /** It came from outside while nobody was looking for it: it stands in a sheet of its own. */
  get linked(): boolean {
    return this.#linked;
  }
  /** A row without its playback path, or nothing at all, cannot be saved. */
  get complete(): boolean {
    const rows = this.#table?.rows ?? [];
    const open = rows.some(
      (row, at) => this.action(at) !== "skip" && row.playback_host && !this.path(at).trim(),
    );
    const any = rows.some((_, at) => this.action(at) !== "skip") || this.#offers.length > 0;
    return any && !open;
  }

  action(row: number): ImportAction {
    return this.#actions[row] ?? "skip";
  }

  path(row: number): string {
    return this.#paths[row] ?? "";
  }

  takes(offer: number): boolean {
    return this.#offers.includes(offer);
  }

  enter(text: string): void {
    this.#text = text;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => void this.understand(), SETTLED_MS);
  }

  /** Looks at the text now. */
  async understand(): Promise<void> {
    clearTimeout(this.#settling);
    const text = this.#text;
    if (text.trim() === "") return this.drop();
    await this.#look((passphrase) => this.#backend.understand(text, passphrase));
  }

  async open(files: PickedFile[]): Promise<void> {
    this.#text = "";
    // What is too large was not even read.
    if (files.length === 0) this.#failed(causeHere("import-too-long"), false);
    else await this.#look((passphrase) => this.#backend.understandFiles(files, passphrase));
  }

  async enterPassphrase(passphrase: string): Promise<void> {
    const again = this.#again;
    if (again) await this.#look(again, passphrase);
  }

  /** The engine understood a link that was opened. */
  show(table: ImportTable): void {
    this.stopScan();
    this.#turn += 1;
    this.#linked = true;
    this.#show(table);
  }

  /** The engine could make nothing of a link that was opened. */
  refuse(cause: Cause): void {
    this.stopScan();
    this.#turn += 1;
    this.#giveUp();
    this.#clear();
    this.#linked = true;
    this.#cause = cause;
  }

  startScan(): void {
    if (this.#scanning) return;
    this.#scanning = true;
    this.#cause = null;
    void this.#poll();
  }

  stopScan(): void {
    if (this.#scanning) this.#cause = null;
    this.#scanning = false;
    clearTimeout(this.#polling);
  }

  chooseAction(row: number, action: ImportAction): void {
    this.#actions = this.#actions.with(row, action);
  }

  enterPath(row: number, path: string): void {
    this.#paths = this.#paths.with(row, path);
  }

  toggleOffer(offer: number): void {
    const without = this.#offers.filter((other) => other !== offer);
    this.#offers = without.length === this.#offers.length ? [...without, offer] : without;
  }

  setUseEncoding(use: boolean): void {
    this.#useEncoding = use;
  }

  async take(): Promise<boolean> {
    const table = this.#table;
    if (!table || this.#busy) return false;
    this.#busy = true;
    const rows = table.rows.map((row, at) => ({
      action: this.action(at),
      playback_path: row.playback_host ? this.path(at).trim() || null : null,
    }));
    try {
      const choice = { rows, offers: [...this.#offers].sort((a, b) => a - b) };
      const connections = await this.#backend.takeImport(table.id, choice, this.#useEncoding);
      this.#clear();
      this.#taken(connections);
      return true;
    } catch (error) {
      this.#cause = causeOf(error);
      return false;
    } finally {
      this.#busy = false;
    }
  }

  /** Nothing of it is stored. */
  drop(): void {
    this.#turn += 1;
    this.#giveUp();
    this.#clear();
  }

  async #look(look: (passphrase: string | null) => Promise<ImportTable>, passphrase: string | null = null) {
    const turn = ++this.#turn;
    this.#again = look;
    this.#busy = true;
    try {
      const table = await look(passphrase);
      // Another text was entered meanwhile.
      if (turn !== this.#turn) void this.#backend.dropImport(table.id).catch(() => undefined);
      else {
        this.#linked = false;
        this.#show(table);
      }
    } catch (error) {
      if (turn === this.#turn) this.#failed(causeOf(error), passphrase !== null);
    } finally {
      if (turn === this.#turn) this.#busy = false;
    }
  }

  #failed(cause: Cause, answered: boolean): void {
    this.#giveUp();
    this.#table = null;
    this.#wantsPassphrase = SEALED.includes(cause.code);
    // That a passphrase is wanted is no failure before one was entered.
    this.#cause = this.#wantsPassphrase && !answered ? null : cause;
  }

  async #poll(): Promise<void> {
    try {
      const table = await this.#backend.scanQr();
      if (!this.#scanning) return table ? this.#backend.dropImport(table.id) : undefined;
      if (table) {
        this.stopScan();
        this.#turn += 1;
        this.#linked = false;
        this.#text = "";
        return this.#show(table);
      }
    } catch (error) {
      // A code that is no connection: it may be the wrong one, so looking goes on.
      this.#cause = causeOf(error);
    }
    if (this.#scanning) this.#polling = setTimeout(() => void this.#poll(), SCAN_MS);
  }

  #show(table: ImportTable): void {
    if (this.#table?.id !== table.id) this.#giveUp();
    this.#table = table;
    this.#actions = table.rows.map(({ action }) => action);
    this.#paths = table.rows.map(() => "");
    this.#offers = [];
    this.#useEncoding = false;
    this.#cause = null;
    this.#wantsPassphrase = false;
  }

  #giveUp(): void {
    if (this.#table) void this.#backend.dropImport(this.#table.id).catch(() => undefined);
  }

  #clear(): void {
    clearTimeout(this.#settling);
    this.#text = "";
    this.#table = null;
    this.#cause = null;
    this.#wantsPassphrase = false;
    this.#linked = false;
    this.#busy = false;
    this.#again = null;
  }
}
