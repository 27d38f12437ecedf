import type {
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderContext,
  LoaderResponse,
  RetryConfig,
} from "hls.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FAILURE_HEADER, FINAL_URL_HEADER, FIRST_BYTE_HEADER, loaderThrough } from "./loader";
import { configFor } from "./policy";

type Answer = (init: RequestInit) => Promise<Response>;

/** A server that gives its answers in order, and the last one again. */
function server(...answers: Answer[]) {
  const asked: { url: string; range: string | null }[] = [];
  const fetch = vi.fn((url: string | URL | Request, init: RequestInit = {}) => {
    asked.push({ url: String(url), range: new Headers(init.headers).get("range") });
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    return answer ? answer(init) : Promise.reject(new Error("no answer"));
  });
  return { asked, fetch: fetch as unknown as typeof globalThis.fetch };
}

const says =
  (status: number, body: BodyInit | null = "", headers: Record<string, string> = {}): Answer =>
  () =>
    Promise.resolve(new Response(body, { status, headers }));
const hangs: Answer = ({ signal }) =>
  new Promise((_resolve, reject) =>
    signal?.addEventListener("abort", () => reject(new DOMException("gone", "AbortError"))),
  );
const unreachable: Answer = () => Promise.reject(new TypeError("failed to fetch"));

const retry = (maxNumRetry: number, more: Partial<RetryConfig> = {}): RetryConfig => ({
  maxNumRetry,
  retryDelayMs: 100,
  maxRetryDelayMs: 300,
  ...more,
});

const retriedTexts: string[] = [];
const configForever = retry(9, { shouldRetry: () => true });

interface Wish {
  context?: Partial<LoaderContext>;
  errorRetry?: RetryConfig | null;
  timeoutRetry?: RetryConfig | null;
}

function load(peer: ReturnType<typeof server>, wish: Wish = {}) {
  const retried: number[] = [];
  retriedTexts.length = 0;
  const Loader = loaderThrough({
    through: (url) => `fetch://localhost/?url=${encodeURIComponent(url)}`,
    retrying: (_context, code, text) => {
      retried.push(code);
      retriedTexts.push(text);
    },
    fetch: peer.fetch,
  });
  const loader = new Loader({} as never);
  const ended: string[] = [];
  let response: LoaderResponse | undefined;
  let code: number | undefined;
  const callbacks: LoaderCallbacks<LoaderContext> = {
    onSuccess: (got) => {
      ended.push("success");
      response = got;
    },
    onError: (error) => {
      ended.push("error");
      code = error.code;
    },
    onTimeout: () => ended.push("timeout"),
    onAbort: () => ended.push("abort"),
  };
  const context = {
    url: "https://cdn.example/live/a.m3u8",
    responseType: "text",
    type: "manifest",
    ...wish.context,
  } as LoaderContext;
  const config: LoaderConfiguration = {
    loadPolicy: {
      maxTimeToFirstByteMs: 1000,
      maxLoadTimeMs: 4000,
      errorRetry: wish.errorRetry ?? null,
      timeoutRetry: wish.timeoutRetry ?? null,
    },
    maxRetry: 0,
    timeout: 0,
    retryDelay: 0,
    maxRetryDelay: 0,
  };
  loader.load(context, config, callbacks);
  return { loader, ended, retried, result: () => ({ response, code }) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const settle = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

describe("a loader through the engine", () => {
  test("asks through the route and gives text under the address that was asked for", async () => {
    const peer = server(says(200, "#EXTM3U"));
    const { ended, result, loader } = load(peer);
    await settle();
    expect(peer.asked).toEqual([
      { url: "fetch://localhost/?url=https%3A%2F%2Fcdn.example%2Flive%2Fa.m3u8", range: null },
    ]);
    expect(ended).toEqual(["success"]);
    expect(result().response).toMatchObject({ url: "https://cdn.example/live/a.m3u8", data: "#EXTM3U" });
    expect(loader.stats).toMatchObject({ loaded: 7, total: 7, retry: 0, aborted: false });
    expect(loader.stats.loading.end).toBeGreaterThanOrEqual(loader.stats.loading.first);
  });

  test("gives the address after redirects, from which relative ones count", async () => {
    const moved = "https://edge.example/x/a.m3u8";
    const { result } = load(server(says(200, "", { [FINAL_URL_HEADER]: moved })));
    await settle();
    expect(result().response?.url).toBe(moved);
  });

  test("gives bytes for media and asks for the range as HTTP counts it", async () => {
    const peer = server(says(206, new Uint8Array([1, 2, 3])));
    const { result, loader } = load(peer, {
      context: { responseType: "arraybuffer", rangeStart: 100, rangeEnd: 103 },
    });
    await settle();
    expect(peer.asked[0]?.range).toBe("bytes=100-102");
    expect(new Uint8Array(result().response?.data as ArrayBuffer)).toEqual(new Uint8Array([1, 2, 3]));
    expect(loader.stats.loaded).toBe(3);
    expect(loader.stats.bwEstimate).toBeGreaterThan(0);
  });

  test("reads the age and any other header", async () => {
    const { loader } = load(server(says(200, "", { age: "1.5", etag: "x" })));
    await settle();
    expect(loader.getCacheAge?.()).toBe(1.5);
    expect(loader.getResponseHeader?.("etag")).toBe("x");
  });
});

describe("an answer of the engine", () => {
  test("tells when the server began, so that a slow link is not taken for a fast one", async () => {
    const slow: Answer = () =>
      new Promise((resolve) =>
        setTimeout(
          () => resolve(new Response("x".repeat(1000), { headers: { [FIRST_BYTE_HEADER]: "200" } })),
          2200,
        ),
      );
    const { loader } = load(server(slow));
    await settle(2200);
    const { start, first, end } = loader.stats.loading;
    expect(first - start).toBe(200);
    expect(end - start).toBe(2200);
    expect(loader.stats.bwEstimate).toBe(4000);
  });

  test("that it had none is no status of the server's", async () => {
    const down = says(502, "h could not be reached: refused", { [FAILURE_HEADER]: "playback-unreachable" });
    const { ended, retried, result } = load(server(down), { errorRetry: configForever });
    await settle(250);
    expect(retried[0]).toBe(0);
    expect(retriedTexts[0]).toBe("h could not be reached: refused");
    expect(ended).toEqual([]);
    expect(result().code).toBeUndefined();
  });

  test("and a 502 of the server's own stays one", async () => {
    const { result } = load(server(says(502)));
    await settle();
    expect(result().code).toBe(502);
  });
});

describe("retries", () => {
  test("follow the policy: delay, growth, cap and count", async () => {
    const peer = server(says(500));
    const { ended, retried, result } = load(peer, { errorRetry: retry(3) });
    await settle();
    expect(peer.asked).toHaveLength(1);
    await settle(99);
    expect(peer.asked).toHaveLength(1);
    await settle(1);
    expect(peer.asked).toHaveLength(2);
    await settle(200);
    expect(peer.asked).toHaveLength(3);
    await settle(300);
    expect(peer.asked).toHaveLength(4);
    await settle(10_000);
    expect(peer.asked).toHaveLength(4);
    expect(retried).toEqual([500, 500, 500]);
    expect(ended).toEqual(["error"]);
    expect(result().code).toBe(500);
  });

  test("are not made for 404 and unreachable servers, unless the policy says so", async () => {
    for (const answer of [says(404), unreachable]) {
      const peer = server(answer);
      const { ended } = load(peer, { errorRetry: retry(3) });
      await settle(5000);
      expect(ended).toEqual(["error"]);
      expect(peer.asked).toHaveLength(1);
    }
  });

  test("wait with our own policy for a stream that is not there yet", async () => {
    const peer = server(says(404), unreachable, says(503), says(200, "#EXTM3U"));
    const { ended, retried } = load(peer, {
      errorRetry: configFor("http://127.0.0.1:8930/a").manifestLoadPolicy?.default.errorRetry ?? null,
    });
    await settle(899);
    expect(ended).toEqual([]);
    await settle(1);
    expect(ended).toEqual(["success"]);
    expect(retried).toEqual([404, 0, 503]);
  });

  test("are never made with our own policy when the server forbids", async () => {
    const peer = server(says(403));
    const { ended, result } = load(peer, {
      errorRetry: configFor("https://cdn.example/a").manifestLoadPolicy?.default.errorRetry ?? null,
    });
    await settle(5000);
    expect(ended).toEqual(["error"]);
    expect(result().code).toBe(403);
    expect(peer.asked).toHaveLength(1);
  });
});

describe("time and leaving", () => {
  test("a server that never answers is given up after the whole time", async () => {
    const peer = server(hangs);
    const { ended } = load(peer);
    await settle(3999);
    expect(ended).toEqual([]);
    await settle(1);
    expect(ended).toEqual(["timeout"]);
  });

  test("an answer that is seen only when it is whole may take longer than the first byte", async () => {
    const late: Answer = () =>
      new Promise((resolve) => setTimeout(() => resolve(new Response("late")), 3000));
    const { ended } = load(server(late));
    await settle(3000);
    expect(ended).toEqual(["success"]);
  });

  test("a time-out is retried by its own policy", async () => {
    const peer = server(hangs, says(200, "late"));
    const { ended, result } = load(peer, { timeoutRetry: retry(1) });
    await settle(4100);
    expect(ended).toEqual(["success"]);
    expect(result().response?.data).toBe("late");
  });

  test("a body that never ends has the whole time, not only the first byte's", async () => {
    const endless: Answer = ({ signal }) => {
      const body = new ReadableStream({
        start: (controller) => signal?.addEventListener("abort", () => controller.error(signal.reason)),
      });
      return Promise.resolve(new Response(body));
    };
    const { ended } = load(server(endless));
    await settle(3999);
    expect(ended).toEqual([]);
    await settle(1);
    expect(ended).toEqual(["timeout"]);
  });

  test("abort is said once and nothing after it", async () => {
    const { loader, ended } = load(server(hangs), { errorRetry: retry(9), timeoutRetry: retry(9) });
    loader.abort();
    loader.abort();
    await settle(60_000);
    expect(ended).toEqual(["abort"]);
    expect(loader.stats.aborted).toBe(true);
  });

  test("abort while waiting for the next try ends the trying", async () => {
    const peer = server(says(500));
    const { loader, ended } = load(peer, { errorRetry: retry(9) });
    await settle(50);
    loader.abort();
    await settle(60_000);
    expect(peer.asked).toHaveLength(1);
    expect(ended).toEqual(["abort"]);
  });

  test("a destroyed loader says nothing at all", async () => {
    const { loader, ended } = load(server(hangs), { timeoutRetry: retry(9) });
    loader.destroy();
    await settle(60_000);
    expect(ended).toEqual([]);
    expect(loader.context).toBeNull();
  });
});
