import type { HlsConfig, LoaderResponse, RetryConfig } from "hls.js";

/** Refusals are final; everything else may be there in a moment (a stream that starts, a server that restarts). */
export function mayComeYet(code: number | undefined): boolean {
  return code !== 401 && code !== 403 && code !== 410 && code !== 451;
}

function retry(times: number, delay: number): RetryConfig {
  return {
    maxNumRetry: times,
    retryDelayMs: delay,
    maxRetryDelayMs: delay,
    backoff: "linear",
    shouldRetry: (config, count, isTimeout, response: LoaderResponse | undefined) =>
      count < (config?.maxNumRetry ?? 0) && (isTimeout || mayComeYet(response?.code)),
  };
}

function load(firstByteMs: number, wholeMs: number, errorRetry: RetryConfig) {
  return {
    default: {
      maxTimeToFirstByteMs: firstByteMs,
      maxLoadTimeMs: wholeMs,
      timeoutRetry: retry(4, 0),
      errorRetry,
    },
  };
}

const isLoopback = (url: string) => /^https?:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:|\/|$)/i.test(url);

/**
 * Near: the stream of this computer, where the picture shall stand 4 s after Go live, so one listed segment must
 * do. Far: a CDN, where three segments of distance keep playing smooth.
 */
export function configFor(url: string): Partial<HlsConfig> {
  const near = isLoopback(url);
  return {
    lowLatencyMode: false,
    startFragPrefetch: true,
    testBandwidth: false,
    // hls.js would keep everything that was played: memory without end in a long run.
    backBufferLength: 20,
    maxBufferLength: 30,
    liveSyncDurationCount: near ? 1 : 3,
    liveMaxLatencyDurationCount: near ? 6 : 12,
    // Else the web view calls a live stream ended when the playhead meets the playlist's edge.
    liveDurationInfinity: true,
    enableWorker: true,
    manifestLoadPolicy: load(8_000, 10_000, retry(Infinity, 300)),
    playlistLoadPolicy: load(8_000, 10_000, retry(40, 300)),
    fragLoadPolicy: load(10_000, 60_000, retry(8, 300)),
  };
}
