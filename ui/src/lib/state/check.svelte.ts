import { causeOf, type Backend } from "$lib/backend/backend";
import type { Cause } from "$lib/bindings/Cause";
import type { Connection } from "$lib/bindings/Connection";
import type { Step } from "$lib/bindings/Step";

/** The steps of one ingest, or of the playback address. */
export interface Group {
  ingest: number | null;
  steps: Step[];
}

/** By ingest in their order; playback comes last. */
export function grouped(steps: readonly Step[]): Group[] {
  const groups = new Map<number | null, Step[]>();
  for (const step of steps) groups.set(step.ingest, [...(groups.get(step.ingest) ?? []), step]);
  const place = (ingest: number | null) => ingest ?? Infinity;
  return [...groups]
    .map(([ingest, steps]) => ({ ingest, steps }))
    .sort((a, b) => (place(a.ingest) === place(b.ingest) ? 0 : place(a.ingest) - place(b.ingest)));
}

export type CheckResult = "running" | "passed" | "failed";

/** One connection being checked before it is gone live with. */
export class CheckState {
  readonly #backend: Backend;
  #connection = $state.raw<Connection | null>(null);
  #steps = $state.raw<readonly Step[]>([]);
  #running = $state(false);
  #published = $state(false);
  #cause = $state.raw<Cause | null>(null);
  #turn = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get connection(): Connection | null {
    return this.#connection;
  }
  get groups(): readonly Group[] {
    return grouped(this.#steps);
  }
  get running(): boolean {
    return this.#running;
  }
  /** This check was allowed to go on air for a few seconds. */
  get published(): boolean {
    return this.#published;
  }
  /** Why it could not be checked at all. */
  get cause(): Cause | null {
    return this.#cause;
  }
  get result(): CheckResult {
    if (this.#running) return "running";
    return this.#cause || this.#steps.some(({ result }) => result === "failed") ? "failed" : "passed";
  }

  apply(step: Step): void {
    if (this.#running) this.#steps = [...this.#steps, step];
  }

  /** `publish` only after a person has agreed that it may go on air. */
  async start(connection: Connection, publish: boolean): Promise<void> {
    if (this.#running) return;
    const turn = ++this.#turn;
    this.#connection = connection;
    this.#steps = [];
    this.#cause = null;
    this.#running = true;
    this.#published = publish;
    try {
      await this.#backend.testConnection(connection.id, publish);
    } catch (error) {
      if (turn === this.#turn) this.#cause = causeOf(error);
    }
    if (turn === this.#turn) this.#running = false;
  }

  /** Whatever still arrives of it is not shown. */
  close(): void {
    this.#turn += 1;
    this.#running = false;
    this.#connection = null;
  }
}
