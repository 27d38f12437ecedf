import type {
  HlsConfig,
  Loader,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderContext,
  LoaderResponse,
  LoaderStats,
  RetryConfig,
} from "hls.js";

/** The engine's fetch follows redirects; relative addresses in a playlist count from where it really came from. */
export const FINAL_URL_HEADER = "x-tamarack-url";

/** The engine answers with the whole body at once; this is when the server's answer began, in milliseconds. */
export const FIRST_BYTE_HEADER = "x-tamarack-first-byte-ms";
/** The code of what kept the engine from an answer: then the status is not the server's. */
export const FAILURE_HEADER = "x-tamarack-failure";

export interface Route {
  /** Where to ask for `url`: through the engine in the app, directly in a browser. */
  through(url: string, limitMs: number): string;
  /** Told before each repeated try; code 0 is no answer, and the text says why. */
  retrying(context: LoaderContext, code: number, text: string): void;
  fetch?: typeof fetch;
}

type LoaderClass = new (config: HlsConfig) => Loader<LoaderContext>;

/** A loader for hls.js whose requests go through `route`. */
export function loaderThrough(route: Route): LoaderClass {
  return class extends FetchLoader {
    constructor() {
      super(route);
    }
  };
}

const now = () => performance.now();

function mayRetry(policy: RetryConfig | null, count: number, timeout: boolean, code: number): boolean {
  if (!policy) return false;
  const response: LoaderResponse = { url: "", code };
  const worthwhile = timeout || (code !== 0 && (code < 400 || code > 499));
  const usual = count < policy.maxNumRetry && worthwhile;
  return policy.shouldRetry ? policy.shouldRetry(policy, count, timeout, response, usual) : usual;
}

function delayOf(policy: RetryConfig, count: number): number {
  const factor = policy.backoff === "linear" ? 1 : 2 ** count;
  return Math.min(factor * policy.retryDelayMs, policy.maxRetryDelayMs);
}

function freshStats(): LoaderStats {
  return {
    aborted: false,
    loaded: 0,
    retry: 0,
    total: 0,
    chunkCount: 0,
    bwEstimate: 0,
    loading: { start: 0, first: 0, end: 0 },
    parsing: { start: 0, end: 0 },
    buffering: { start: 0, first: 0, end: 0 },
  };
}

function requestHeaders(context: LoaderContext): Headers {
  const headers = new Headers(context.headers);
  // hls.js counts to the byte after the last one, HTTP to the last one.
  if (context.rangeEnd) headers.set("Range", `bytes=${context.rangeStart ?? 0}-${context.rangeEnd - 1}`);
  return headers;
}

class FetchLoader implements Loader<LoaderContext> {
  context: LoaderContext | null = null;
  stats = freshStats();

  #route: Route;
  #config: LoaderConfiguration | null = null;
  #callbacks: LoaderCallbacks<LoaderContext> | null = null;
  /** The try under way; one that is no longer this one has nothing to say. */
  #attempt: AbortController | null = null;
  #response: Response | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(route: Route) {
    this.#route = route;
  }

  load(context: LoaderContext, config: LoaderConfiguration, callbacks: LoaderCallbacks<LoaderContext>): void {
    this.context = context;
    this.#config = config;
    this.#callbacks = callbacks;
    this.stats.loading.start = now();
    void this.#try(context, config);
  }

  abort(): void {
    if (!this.#attempt && this.#timer === undefined) return;
    this.#drop();
    this.stats.aborted = true;
    if (this.context) this.#callbacks?.onAbort?.(this.stats, this.context, this.#response);
  }

  destroy(): void {
    this.#callbacks = null;
    this.#drop();
    this.context = null;
    this.#config = null;
  }

  getCacheAge(): number | null {
    const age = Number.parseFloat(this.getResponseHeader("age") ?? "");
    return Number.isFinite(age) ? age : null;
  }

  getResponseHeader(name: string): string | null {
    return this.#response?.headers.get(name) ?? null;
  }

  async #try(context: LoaderContext, config: LoaderConfiguration): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#response = null;
    this.stats.loading.first = 0;
    // The only clock here: through the engine headers and body come together, so that a limit to the first
    // byte would be one on the whole segment.
    const whole = config.loadPolicy.maxLoadTimeMs;
    const began = now();
    this.#limit(attempt, whole);
    try {
      const ask = this.#route.fetch ?? fetch;
      const response = await ask(this.#route.through(context.url, whole), {
        headers: requestHeaders(context),
        signal: attempt.signal,
        credentials: "omit",
      });
      if (this.#attempt !== attempt) return;
      this.#response = response;
      this.stats.loading.first = firstByte(response, began);
      if (!response.ok) return await this.#refused(attempt, response);
      const body = await read(response, context.responseType);
      if (this.#attempt === attempt) this.#succeeded(context, response, body);
    } catch (error) {
      if (this.#attempt === attempt) this.#failed(0, error instanceof Error ? error.message : String(error));
    }
  }

  /** A status of the server's is passed on; what kept the engine from an answer is no status. */
  async #refused(attempt: AbortController, response: Response): Promise<void> {
    const failure = response.headers.get(FAILURE_HEADER);
    const text = failure === null ? response.statusText : await response.text();
    if (this.#attempt !== attempt) return;
    this.#failed(failure === "playback-unreachable" ? 0 : response.status, text);
  }

  #succeeded(context: LoaderContext, response: Response, body: Body): void {
    this.#settle();
    const { stats } = this;
    stats.loading.end = Math.max(now(), stats.loading.first);
    stats.loaded = stats.total = body.bytes;
    stats.chunkCount = 1;
    // At least a millisecond: on loopback the clock may not have moved.
    stats.bwEstimate = (body.bytes * 8000) / Math.max(1, stats.loading.end - stats.loading.first);
    const url = response.headers.get(FINAL_URL_HEADER) ?? context.url;
    this.#callbacks?.onSuccess({ url, data: body.data, code: response.status }, stats, context, response);
  }

  #failed(code: number, text: string): void {
    this.#settle();
    const policy = this.#config?.loadPolicy.errorRetry ?? null;
    if (this.#retry(policy, false, code, text) || !this.context) return;
    this.#callbacks?.onError({ code, text }, this.context, this.#response, this.stats);
  }

  #timedOut(): void {
    this.#drop();
    const policy = this.#config?.loadPolicy.timeoutRetry ?? null;
    if (this.#retry(policy, true, 0, "") || !this.context) return;
    this.#callbacks?.onTimeout(this.stats, this.context, this.#response);
  }

  #retry(policy: RetryConfig | null, timeout: boolean, code: number, text: string): boolean {
    const { context } = this;
    const config = this.#config;
    if (!context || !config || !policy || !mayRetry(policy, this.stats.retry, timeout, code)) return false;
    const delay = delayOf(policy, this.stats.retry);
    this.stats.retry += 1;
    this.#route.retrying(context, code, text);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#try(context, config);
    }, delay);
    return true;
  }

  #limit(attempt: AbortController, milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#attempt === attempt) this.#timedOut();
    }, milliseconds);
  }

  /** The try is over: neither its clock nor its answer counts any more. */
  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#attempt = null;
  }

  #drop(): void {
    const attempt = this.#attempt;
    this.#settle();
    attempt?.abort();
  }
}

/** When the server's answer began, which the engine measured; else when it is seen here. */
function firstByte(response: Response, began: number): number {
  const measured = Number.parseFloat(response.headers.get(FIRST_BYTE_HEADER) ?? "");
  return Number.isFinite(measured) ? Math.min(began + measured, now()) : now();
}

interface Body {
  data: string | ArrayBuffer | object;
  bytes: number;
}

async function read(response: Response, type: string): Promise<Body> {
  if (type === "arraybuffer") {
    const data = await response.arrayBuffer();
    return { data, bytes: data.byteLength };
  }
  const text = await response.text();
  return { data: type === "json" ? (JSON.parse(text) as object) : text, bytes: text.length };
}
