import { causeOf, type Backend } from "$lib/backend/backend";
import type { Cause } from "$lib/bindings/Cause";
import type { Connection } from "$lib/bindings/Connection";
import type { ConnectionSaved } from "$lib/bindings/ConnectionSaved";
import type { Provider } from "$lib/bindings/Provider";
import { draftOf, emptyIngest, fieldOf, formOf, ingestOf, type Field, type Form } from "./draft";

/** A key that was shown hides again after this long. */
export const SHOWN_MS = 20_000;

/** A connection being made or changed. Its form is bound by fields; everything typed stays until it is saved. */
export class EditorState {
  readonly original: Connection | null;
  readonly #backend: Backend;
  readonly #providers: () => readonly Provider[];
  form = $state<Form>(formOf(null));
  #saving = $state(false);
  #cause = $state.raw<Cause | null>(null);
  #shown = $state.raw<{ ingest: string; key: string } | null>(null);
  readonly #before: string;
  #hiding: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend, providers: () => readonly Provider[], original: Connection | null = null) {
    this.#backend = backend;
    this.#providers = providers;
    this.original = original;
    this.form = formOf(original);
    this.#before = JSON.stringify(formOf(original));
  }

  /** Something was typed that is not saved. */
  get changed(): boolean {
    return JSON.stringify($state.snapshot(this.form)) !== this.#before;
  }

  get provider(): Provider | undefined {
    return this.#providers().find(({ id }) => id === (this.form.provider || this.recognised));
  }
  /** By the addresses that a provider's own examples have, as typed. */
  get recognised(): string {
    const address = this.form.ingests[0]?.address.trim() ?? "";
    const host = hostOf(address);
    if (host === "") return "";
    const fits = (example: string) => sameService(hostOf(example), host);
    return this.#providers().find(({ ingests }) => ingests.some((one) => fits(one.example)))?.id ?? "";
  }
  get saving(): boolean {
    return this.#saving;
  }
  get cause(): Cause | null {
    return this.#cause;
  }
  get field(): Field | null {
    return this.#cause && fieldOf(this.#cause);
  }
  get wrongIngest(): number | null {
    return this.#cause && ingestOf(this.#cause, this.form);
  }
  /** The key that a person asked to see, of this ingest. */
  shownKey(ingest: string | null): string | null {
    return this.#shown && this.#shown.ingest === ingest ? this.#shown.key : null;
  }

  addIngest(): void {
    const { ingests } = this.form;
    const role = ["primary", "backup"].find((role) => ingests.every((ingest) => ingest.role !== role));
    const fresh = emptyIngest(role ?? "also");
    const form = this.provider?.ingests.find((one) => one.role === role && one.fixed);
    ingests.push({ ...fresh, address: form?.example ?? "" });
  }

  removeIngest(at: number): void {
    this.form.ingests.splice(at, 1);
  }

  usePreset(at: number): void {
    const preset = this.provider?.presets[at];
    if (preset) this.form.encoding = { ...preset };
  }

  async reveal(ingest: string): Promise<void> {
    const { original } = this;
    if (!original) return;
    try {
      this.#shown = { ingest, key: await this.#backend.revealKey(original.id, ingest) };
      this.#cause = null;
      clearTimeout(this.#hiding);
      this.#hiding = setTimeout(() => this.hide(), SHOWN_MS);
    } catch (error) {
      this.#cause = causeOf(error);
    }
  }

  hide(): void {
    clearTimeout(this.#hiding);
    this.#shown = null;
  }

  /** What was saved, or null, and then `cause` says why. */
  async save(): Promise<ConnectionSaved | null> {
    if (this.#saving) return null;
    this.#saving = true;
    this.#cause = null;
    this.hide();
    try {
      const draft = draftOf($state.snapshot(this.form), this.provider);
      return await this.#backend.saveConnection(this.original?.id ?? null, draft);
    } catch (error) {
      this.#cause = causeOf(error);
      return null;
    } finally {
      this.#saving = false;
    }
  }
}

function hostOf(address: string): string {
  return /^\w+:\/\/(?:[^/@]*@)?([^/:?#]+)/.exec(address)?.[1]?.toLowerCase() ?? "";
}

/** Examples of documents are nobody's; of a service's own hosts the end counts, since the start is the customer's. */
function sameService(example: string, host: string): boolean {
  if (/\.example(\.\w+)?$|^[\d.]+$/.test(example) || /\bexample\./.test(example)) return false;
  return host === example || host.endsWith(example.slice(example.indexOf(".")));
}
