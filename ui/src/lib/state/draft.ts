import type { Cause } from "$lib/bindings/Cause";
import type { Connection } from "$lib/bindings/Connection";
import type { ConnectionDraft } from "$lib/bindings/ConnectionDraft";
import type { ConnectionEncoding } from "$lib/bindings/ConnectionEncoding";
import type { ConnectionIngestDraft } from "$lib/bindings/ConnectionIngestDraft";
import type { ConnectionPlaybackDraft } from "$lib/bindings/ConnectionPlaybackDraft";
import type { Provider } from "$lib/bindings/Provider";
import { ingestProblem } from "$lib/ingest";

export interface IngestForm {
  id: string | null;
  role: string;
  address: string;
  key: string;
  /** A key is in the key store. */
  keyKept: boolean;
  dropKey: boolean;
  user: string;
  password: string;
  passwordKept: boolean;
}

/** A connection as its form holds it. Keys that were typed stand here until the form is closed. */
export interface Form {
  name: string;
  /** Empty recognises it. */
  provider: string;
  variant: string;
  ingests: IngestForm[];
  ca: string;
  playback: string;
  headers: { name: string; value: string }[];
  cookies: string;
  /** What was kept beside the playback address is to be forgotten. */
  dropAccess: boolean;
  ladder: string;
  encoding: ConnectionEncoding | null;
  console: string;
  dashboard: string;
  player: string;
  channel: string;
  notes: string;
}

export function emptyIngest(role: string): IngestForm {
  return {
    id: null,
    role,
    address: "",
    key: "",
    keyKept: false,
    dropKey: false,
    user: "",
    password: "",
    passwordKept: false,
  };
}

export function formOf(connection: Connection | null): Form {
  return {
    name: connection?.name ?? "",
    provider: connection?.provider ?? "",
    variant: connection?.variant ?? "",
    ingests: connection?.ingests.map((ingest) => ({
      ...emptyIngest(ingest.role),
      id: ingest.id,
      address: ingest.server,
      keyKept: ingest.key !== null,
      user: ingest.user ?? "",
      passwordKept: ingest.password !== null,
    })) ?? [emptyIngest("primary")],
    ca: connection?.ca ?? "",
    playback: connection?.playback?.url ?? "",
    headers: [],
    cookies: "",
    dropAccess: false,
    ladder: connection?.ladder.join(", ") ?? "",
    encoding: connection?.encoding ? { ...connection.encoding } : null,
    console: connection?.links.console ?? "",
    dashboard: connection?.links.dashboard ?? "",
    player: connection?.links.player ?? "",
    channel: connection?.channel ?? "",
    notes: connection?.notes ?? "",
  };
}

const text = (field: string) => field.trim() || null;

/** Heights in whatever form they were written; tallest first. */
export function ladderOf(written: string): number[] {
  const heights = (written.match(/\d+/g) ?? []).map(Number).filter((height) => height > 0);
  return [...new Set(heights)].sort((a, b) => b - a);
}

/** What stays null stays as it was saved. */
function secret(typed: string, drop: boolean): string | null {
  if (typed.trim() !== "") return typed.trim();
  return drop ? "" : null;
}

function ingestDraft(form: IngestForm, primaryKey: string | null): ConnectionIngestDraft {
  const user = text(form.user);
  return {
    id: form.id,
    role: form.role,
    address: form.address.trim(),
    key: secret(form.key, form.dropKey) ?? (form.role === "backup" && !form.keyKept ? primaryKey : null),
    user,
    // A password without its user is nothing.
    password: secret(form.password, user === null && form.passwordKept),
  };
}

function playbackDraft(form: Form): ConnectionPlaybackDraft | null {
  const url = form.playback.trim();
  if (url === "") return null;
  const headers = form.headers
    .map(({ name, value }): [string, string] => [name.trim(), value.trim()])
    .filter(([name]) => name !== "");
  return {
    url,
    headers: headers.length > 0 || form.dropAccess ? headers : null,
    cookies: secret(form.cookies, form.dropAccess),
  };
}

export function draftOf(form: Form, provider: Provider | undefined): ConnectionDraft {
  const typed = form.ingests.find(({ role }) => role === "primary")?.key.trim() ?? "";
  const primaryKey = provider?.same_key_for_backup && typed !== "" ? typed : null;
  return {
    name: form.name.trim(),
    provider: text(form.provider),
    variant: text(form.variant),
    ingests: form.ingests
      .filter(({ address, key }) => address.trim() !== "" || key.trim() !== "")
      .map((ingest) => ingestDraft(ingest, primaryKey)),
    ca: text(form.ca),
    playback: playbackDraft(form),
    ladder: ladderOf(form.ladder),
    encoding: form.encoding ? { ...form.encoding } : null,
    links: { console: text(form.console), dashboard: text(form.dashboard), player: text(form.player) },
    channel: text(form.channel),
    notes: form.notes.trim(),
  };
}

export type Field =
  "name" | "ingests" | "playback" | "access" | "encoding" | "links" | "text" | "keys" | "form";

const fields: Record<string, Field> = {
  "profile-name-taken": "name",
  "profile-no-name": "name",
  "profile-no-ingest": "ingests",
  "profile-too-many-ingests": "ingests",
  "profile-playback": "playback",
  "profile-header": "access",
  "profile-link": "links",
  "profile-encoding": "encoding",
  "profile-text": "text",
  "key-store-locked": "keys",
  "key-store-failed": "keys",
};

/** The field that a refusal is about. */
export function fieldOf(cause: Cause): Field {
  return cause.code.startsWith("url-") ? "ingests" : (fields[cause.code] ?? "form");
}

/** The ingest that a refusal is about: the engine counts those that were sent, and says so in its detail. */
export function ingestOf(cause: Cause, form: Form): number | null {
  if (fieldOf(cause) !== "ingests") return null;
  const sent = form.ingests.flatMap(({ address, key }, at) => (address.trim() || key.trim() ? [at] : []));
  const counted = /^Ingest (\d+):/.exec(cause.detail)?.[1];
  const told = counted ? sent[Number(counted) - 1] : undefined;
  const found = told ?? sent.find((at) => ingestProblem(form.ingests[at]?.address ?? "") !== null);
  return found ?? 0;
}

/** A provider's playback address with what was entered in its places; null while one is empty. */
export function playbackFrom(url: string, inputs: readonly string[], entered: Record<string, string>) {
  const given = (input: string) => entered[input]?.trim() ?? "";
  if (inputs.some((input) => given(input) === "")) return null;
  return inputs.reduce((address, input) => address.replaceAll(`{${input}}`, given(input)), url);
}
