import type { HlsConfig, LoaderResponse, RetryConfig } from "hls.js";

/** Refusals are final; everything else may be there in a moment (a stream that starts, a server that restarts). */
export function mayComeYet(code: number | undefined): boolean {
  return code !== 401 && code !== 403 && code !== 410 && code !== 451;
}

/** Decoders can be set up anew, but a playlist that names nothing to decode is not read again by that. */
export function isRecoverable(details: string): boolean {
  return !details.startsWith("manifest");
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

/** Our loader keeps only the limit to the whole answer. */
function load(wholeMs: number, errorRetry: RetryConfig) {
  return {
    default: {
      maxTimeToFirstByteMs: wholeMs,
      maxLoadTimeMs: wholeMs,
      timeoutRetry: retry(4, 0),
      errorRetry,
    },
  };
}

const isLoopback = (url: string) => /^https?:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:|\/|$)/i.test(url);

/**
 * Near: the stream of this computer, where the picture shall stand 4 s after Go live. It starts with the first
 * listed segment; half a segment more of distance is what keeps the next one from coming late (at a whole segment
 * the buffer was seen to fall to 0.3 s). Far: a CDN, where three segments of distance keep playing smooth.
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
    liveSyncDurationCount: near ? 1.5 : 3,
    liveMaxLatencyDurationCount: near ? 6 : 12,
    // Else the web view calls a live stream ended when the playhead meets the playlist's edge.
    liveDurationInfinity: true,
    enableWorker: true,
    // hls.js would wait for ever for a web view that never answers an append.
    appendTimeout: 8000,
    manifestLoadPolicy: load(10_000, retry(Infinity, 300)),
    playlistLoadPolicy: load(10_000, retry(40, 300)),
    fragLoadPolicy: load(60_000, retry(8, 300)),
  };
}
