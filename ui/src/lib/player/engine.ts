import type Hls from "hls.js";
import type { ErrorData } from "hls.js";
import workerPath from "hls.js/dist/hls.worker.js?url";
import type { Cause } from "$lib/bindings/Cause";
import { causeHere } from "$lib/i18n/cause";
import { Ending, Recoveries, Standstill } from "./endurance";
import { behindEdge, bufferAhead, rangesOf, stoodStill, tenths, type Look } from "./latency";
import { loaderThrough, type Route } from "./loader";
import { configFor, isRecoverable, mayComeYet } from "./policy";
import type { Figures, Status } from "./status";

const LOOK_MS = 500;
const AGAIN_MS = 400;
/** After this long without any answer it is worth saying that nobody answers. */
const UNREACHABLE_MS = 5000;

export interface Hooks {
  status(status: Status, cause?: Cause): void;
  figures(figures: Figures): void;
  /** The webview allowed playing only without sound. */
  mutedByPolicy(): void;
}

/** hls.js is large: it is fetched when something will be played, not when the window opens. */
export function preload(): Promise<typeof import("hls.js")> {
  return import("hls.js");
}

/** Plays one address in one video element until it is destroyed. */
export class Engine {
  readonly #video: HTMLVideoElement;
  readonly #url: string;
  readonly #through: Route["through"];
  readonly #hooks: Hooks;
  #hls: Hls | null = null;
  #over = false;
  #played = false;
  #ending: Ending | null = null;
  readonly #recoveries = new Recoveries();
  readonly #standstill = new Standstill();
  #silentSince: number | null = null;
  #look: Look | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new AbortController();

  constructor(video: HTMLVideoElement, url: string, through: Route["through"], hooks: Hooks) {
    this.#video = video;
    this.#url = url;
    this.#through = through;
    this.#hooks = hooks;
    void this.#start();
  }

  /** The stream's source has stopped: what is buffered still plays, then it is over rather than stalled. */
  expectEnd(): void {
    this.#ending ??= new Ending();
  }

  destroy(): void {
    this.#finish();
    this.#hls?.destroy();
    this.#hls = null;
  }

  async #start(): Promise<void> {
    this.#hooks.status("loading");
    const { default: HlsPlayer } = await preload();
    if (this.#over) return;
    this.#listen();
    this.#open(HlsPlayer);
    this.#timer = setInterval(() => this.#sample(HlsPlayer), LOOK_MS);
  }

  #open(HlsPlayer: typeof Hls): void {
    const through = this.#through;
    const loader = loaderThrough({ through, retrying: (_context, code, text) => this.#waiting(code, text) });
    const hls = new HlsPlayer({ ...configFor(this.#url), loader, workerPath });
    this.#hls = hls;
    hls.on(HlsPlayer.Events.ERROR, (_event, data) => this.#failed(HlsPlayer, data));
    hls.on(HlsPlayer.Events.MANIFEST_PARSED, () => void this.#play());
    hls.attachMedia(this.#video);
    hls.loadSource(this.#url);
  }

  #listen(): void {
    const on = (event: string, then: () => void) =>
      this.#video.addEventListener(event, then, { signal: this.#listeners.signal });
    on("playing", () => this.#playing());
    on("waiting", () => this.#played && this.#stalled());
    on("ended", () => (this.#isLive() ? void this.#play() : this.#ended()));
  }

  async #play(): Promise<void> {
    try {
      await this.#video.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError") return;
      this.#hooks.mutedByPolicy();
      this.#video.muted = true;
      await this.#video.play().catch(() => undefined);
    }
  }

  #playing(): void {
    this.#played = true;
    this.#silentSince = null;
    this.#look = null;
    this.#hooks.status("playing");
  }

  /** Whether more is to come: a playlist without its end. */
  #isLive(): boolean {
    return !this.#ending && (this.#hls?.latestLevelDetails?.live ?? false);
  }

  #stalled(): void {
    if (!this.#ending) this.#hooks.status("stalled");
    else if (this.#ending.isOver(this.#buffer(), performance.now())) this.#ended();
  }

  /** Seconds that can be played without another byte. */
  #buffer(): number {
    return bufferAhead(rangesOf(this.#video.buffered), this.#video.currentTime);
  }

  /** The same for a playhead that may not have been put to the first segment yet. */
  #held(): number {
    const ranges = rangesOf(this.#video.buffered);
    const first = ranges[0]?.start ?? 0;
    return bufferAhead(ranges, Math.max(this.#video.currentTime, first));
  }

  #ended(): void {
    this.#hls?.stopLoad();
    this.#finish();
    this.#hooks.status("ended");
  }

  #finish(): void {
    this.#over = true;
    clearInterval(this.#timer);
    clearTimeout(this.#again);
    this.#listeners.abort();
  }

  #waiting(code: number, text = ""): void {
    if (this.#over || this.#played) return;
    if (code !== 0) this.#silentSince = null;
    else this.#silentSince ??= performance.now();
    const silent = this.#silentSince !== null && performance.now() - this.#silentSince > UNREACHABLE_MS;
    this.#hooks.status("waiting", silent ? causeHere("playback-unreachable", text) : undefined);
  }

  #failed(HlsPlayer: typeof Hls, data: ErrorData): void {
    if (this.#over) return;
    const { code, text } = data.response ?? {};
    const network = data.type === HlsPlayer.ErrorTypes.NETWORK_ERROR;
    const unparsed = data.details === HlsPlayer.ErrorDetails.MANIFEST_PARSING_ERROR;
    if (network && !unparsed && !data.fatal) return this.#waiting(code ?? 0, text);
    if (!data.fatal) return;
    if (unparsed) return this.#give(causeHere("playback-not-hls", data.reason ?? data.details));
    if (network && !mayComeYet(code)) {
      return this.#give(causeHere("playback-refused", "", { status: String(code) }));
    }
    if (network) return this.#reload(code ?? 0, text);
    const media = data.type === HlsPlayer.ErrorTypes.MEDIA_ERROR;
    if (media && isRecoverable(data.details) && this.#recoveries.take(performance.now())) {
      this.#hls?.recoverMediaError();
      void this.#play();
      return;
    }
    this.#give(causeHere("playback-broken", data.details));
  }

  /** hls.js has given up, but a live stream may come back. */
  #reload(code: number, text = ""): void {
    if (this.#ending) return this.#ended();
    if (this.#played) this.#hooks.status("stalled");
    else this.#waiting(code, text);
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#hls?.loadSource(this.#url), AGAIN_MS);
  }

  #give(cause: Cause): void {
    this.#hls?.stopLoad();
    this.#finish();
    this.#hooks.status("error", cause);
  }

  /** `waiting` is not fired in every webview: a playhead that stands still says the same. */
  #sample(HlsPlayer: typeof Hls): void {
    const video = this.#video;
    const look = { at: performance.now(), position: video.currentTime };
    const stood = this.#look !== null && stoodStill(this.#look, look);
    if (this.#played && stood && !video.paused) this.#stalled();
    else if (this.#played && this.#look && !stood) this.#moves(look.at);
    this.#look = look;
    this.#free(HlsPlayer, stood, look.at);
    if (!this.#over) this.#hooks.figures(this.#figures());
  }

  /** Begins anew, at the live edge, with decoders that are stuck. */
  #free(HlsPlayer: typeof Hls, stood: boolean, at: number): void {
    const excused = !stood || this.#video.paused || this.#ending !== null || document.hidden;
    if (excused) return this.#standstill.excused();
    if (this.#over || !this.#standstill.look(this.#held(), at)) return;
    this.#standstill.excused();
    if (!this.#recoveries.take(at)) return this.#give(causeHere("playback-broken", "standstill"));
    this.#hls?.destroy();
    this.#look = null;
    this.#open(HlsPlayer);
  }

  #moves(at: number): void {
    this.#ending?.moves();
    this.#recoveries.played(at);
    this.#hooks.status("playing");
  }

  #figures(): Figures {
    const hls = this.#hls;
    const video = this.#video;
    const level = hls?.levels[hls.currentLevel] ?? hls?.levels[0];
    const details = hls?.latestLevelDetails;
    const edge = details?.live ? { end: details.edge, age: details.age } : null;
    return {
      width: video.videoWidth || (level?.width ?? 0),
      height: video.videoHeight || (level?.height ?? 0),
      kbps: level?.bitrate ? Math.round(level.bitrate / 1000) : null,
      buffer: this.#played ? tenths(this.#buffer()) : null,
      behind: this.#played && edge ? tenths(behindEdge(edge, video.currentTime)) : null,
      dropped: this.#played ? video.getVideoPlaybackQuality().droppedVideoFrames : null,
    };
  }
}
