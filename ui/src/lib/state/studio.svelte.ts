import { getContext, setContext } from "svelte";
import type { Backend } from "$lib/backend/backend";
import type { Cause } from "$lib/bindings/Cause";
import type { Connection } from "$lib/bindings/Connection";
import type { Event } from "$lib/bindings/Event";
import type { Snapshot } from "$lib/bindings/Snapshot";
import type { Source } from "$lib/bindings/Source";
import { reason } from "$lib/i18n/cause";
import { isLanguage, locale, t, type Key, type Language } from "$lib/i18n/i18n.svelte";
import type { Support } from "$lib/player/probe";
import { AdviceState } from "./advice.svelte";
import { Announcer } from "./announcer.svelte";
import { CheckState } from "./check.svelte";
import { ConnectionsState } from "./connections.svelte";
import { ImportState } from "./import.svelte";
import { LevelState } from "./level.svelte";
import { PlayerState } from "./player.svelte";
import { Preferences, type Storage } from "./preferences.svelte";
import { PreviewState } from "./preview.svelte";
import { RecordingState } from "./recording.svelte";
import { RunState, type Phase, type RunTarget } from "./run.svelte";
import { StageState } from "./stage.svelte";
import { TargetState } from "./target.svelte";
import { ViewState } from "./view.svelte";

/** The window's surroundings, so that tests can bring their own. */
export interface Surroundings {
  storage: Storage;
  support: Support;
  /** The system's language, such as `ko-KR`. */
  language: string;
  visible: () => boolean;
}

/** The whole state of the window, and the way of the engine's events into it. */
export class Studio {
  readonly backend: Backend;
  readonly stage: StageState;
  readonly run: RunState;
  readonly recording: RecordingState;
  readonly player: PlayerState;
  readonly preview: PreviewState;
  readonly target: TargetState;
  readonly preferences: Preferences;
  readonly level: LevelState;
  readonly connections: ConnectionsState;
  readonly imports: ImportState;
  readonly check: CheckState;
  readonly advice: AdviceState;
  readonly view = new ViewState();
  readonly announcer = new Announcer();
  readonly #around: Surroundings;
  #ready = $state(false);
  /** When each target was lost. */
  readonly #lostAt = new Map<number, number>();
  #followed: string | null = null;

  constructor(backend: Backend, around: Surroundings) {
    this.backend = backend;
    this.#around = around;
    this.preferences = new Preferences(around.storage);
    this.stage = new StageState(backend);
    this.run = new RunState(backend, {
      phase: (before, now) => this.#phased(before, now),
      target: (before, now) => this.#targeted(before, now),
    });
    this.recording = new RecordingState(backend, this.preferences, (what) => {
      if (what !== "failed") return this.announcer.say(t(`announce.recording-${what}`));
      const cause = this.recording.problem;
      if (cause) this.#trouble("record.failed", cause);
    });
    this.player = new PlayerState(around.support, (cause) => this.#trouble("player.error", cause));
    this.level = new LevelState(around.visible);
    this.preview = new PreviewState(backend);
    this.connections = new ConnectionsState(backend);
    this.imports = new ImportState(backend, (connections) => this.#imported(connections));
    this.check = new CheckState(backend);
    this.advice = new AdviceState(backend);
    this.target = new TargetState(this.preferences, () =>
      this.connections.loaded ? this.connections.all : null,
    );
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Listens before it looks, so that nothing can happen unseen between the two. */
  async start(): Promise<void> {
    const early: Event[] = [];
    let loaded = false;
    await this.backend.subscribe((event) => (loaded ? this.apply(event) : void early.push(event)));
    const snapshot = await this.backend.snapshot();
    this.stage.load(snapshot);
    this.run.load(snapshot.run);
    loaded = true;
    early.forEach((event) => this.apply(event));
    this.#speak(snapshot);
    this.#followPlayback();
    // A key store may ask its person for a password first: nothing here waits for it.
    void this.connections.load();
    void this.recording.load(snapshot.run);
    if (this.run.active) return void (this.#ready = true);
    // What Go live would use must be what was chosen last time; devices may take their time after that.
    await this.#restoreSettings();
    this.#ready = true;
    await this.#restoreDevices();
  }

  apply(event: Event): void {
    if (event.event === "level") {
      this.level.push(event.peak_dbfs);
      return;
    }
    if (event.event === "close-asked") return this.run.requestQuit();
    if (event.event === "import") return this.imports.show(event);
    if (event.event === "link-refused") return this.imports.refuse(event.cause);
    if (event.event === "step") return this.check.apply(event);
    if (event.event === "profile") return void this.connections.load();
    const { camera, microphone } = this.stage;
    this.stage.apply(event);
    this.run.apply(event);
    this.recording.apply(event);
    this.#followPlayback();
    if (event.event === "summary") this.player.runEnded();
    const { id, state } = this.stage.microphone;
    if (id !== microphone.id || state !== microphone.state) this.level.restart();
    this.#sourced("camera.card", camera, this.stage.camera);
    this.#sourced("microphone.card", microphone, this.stage.microphone);
  }

  useLanguage(language: Language): void {
    locale.use(language);
    this.preferences.useLanguage(language);
    void this.backend.setLanguage(language).catch(() => undefined);
  }

  async toggleMute(): Promise<void> {
    const muting = !this.stage.muted;
    if (await this.stage.toggleMute()) this.announcer.say(t(muting ? "announce.muted" : "announce.unmuted"));
  }

  async chooseCamera(id: string): Promise<void> {
    if (await this.stage.chooseCamera(id)) this.preferences.useCamera(id);
  }

  async chooseMicrophone(id: string): Promise<void> {
    if (await this.stage.chooseMicrophone(id)) this.preferences.useMicrophone(id);
  }

  goLive(): void {
    const { destinations, names } = this.target;
    if (this.#ready) this.run.requestLive(destinations, names);
  }

  /** What the chosen targets recommend becomes what is set. */
  async useRecommended(): Promise<void> {
    const recommended = this.advice.advice?.recommended;
    if (recommended && (await this.stage.changeSettings(recommended)) && this.stage.settings)
      this.preferences.useSettings(this.stage.settings);
  }

  saved(connections: readonly Connection[], notices: readonly string[]): void {
    void this.connections.keep(connections, notices);
    this.announcer.say(t("announce.saved", { names: connections.map(({ name }) => name).join(", ") }));
  }

  #imported(connections: readonly Connection[]): void {
    const notices = new Set(connections.flatMap((connection) => connection.notices));
    this.saved(connections, [...notices]);
  }

  /** `TAMARACK_LANG` first, then the last choice, then the system's language. */
  #speak(snapshot: Snapshot): void {
    const wanted = [snapshot.language, this.preferences.stored.language, this.#around.language.slice(0, 2)];
    const language = wanted.find(isLanguage) ?? "en";
    locale.use(language);
    void this.backend.setLanguage(language).catch(() => undefined);
  }

  /** What no longer works is no news to a person who has just opened the window. */
  async #restoreSettings(): Promise<void> {
    const { settings } = this.preferences.stored;
    if (settings) await this.stage.changeSettings(settings);
    this.stage.dismissProblem();
  }

  /** Last time's devices, as far as they still exist. A running broadcast is never touched. */
  async #restoreDevices(): Promise<void> {
    const { camera, microphone } = this.preferences.stored;
    const { stage } = this;
    const synthetic = ["pattern", "tone", "none"];
    const exists = (id: string | null, devices: readonly { id: string }[]): id is string =>
      id !== null && (synthetic.includes(id) || devices.some((device) => device.id === id));
    if (exists(camera, stage.cameras) && camera !== stage.camera.id) await stage.chooseCamera(camera);
    if (exists(microphone, stage.microphones) && microphone !== stage.microphone.id)
      await stage.chooseMicrophone(microphone);
    stage.dismissProblem();
  }

  /** Once for each new address: afterwards the player is the person's. */
  #followPlayback(): void {
    const url = this.run.playbackUrl;
    if (url === this.#followed) return;
    this.#followed = url;
    if (url !== null) this.player.follow(url);
  }

  #trouble(title: Key, cause: Cause): void {
    this.announcer.say(t("announce.trouble", { title: t(title), cause: reason(cause).sentence }), "alert");
  }

  #sourced(title: Key, before: Source, now: Source): void {
    if (now.state === "failed" && before.state !== "failed" && now.cause) this.#trouble(title, now.cause);
  }

  #phased(before: Phase, now: Phase): void {
    if (now === "live") this.target.accepted();
    // Which one of several was lost or came back is told by name.
    const alone = this.run.targets.length < 2;
    if (now === "reconnecting" && alone) this.#lost(t("announce.reconnecting"), 0);
    else if (now === "live" && before === "reconnecting") {
      if (alone) this.announcer.say(t("announce.reconnected", { seconds: this.#back(0) }));
    } else if (now === "live") {
      this.announcer.say(t("announce.live"));
    } else if (now === "ended") {
      this.announcer.say(t("announce.ended"));
      void this.connections.load();
    } else if (now === "failed") {
      const cause = this.run.cause ? reason(this.run.cause).sentence : "";
      this.announcer.say(t("announce.failed", { cause }), "alert");
    }
  }

  /** Of several targets each is told of by its name. */
  #targeted(before: RunTarget, now: RunTarget): void {
    if (this.run.targets.length < 2) return;
    const name = now.name ?? t("target.local");
    if (now.state === "reconnecting") this.#lost(t("announce.target-reconnecting", { name }), now.target);
    else if (now.state === "live" && before.wasLive)
      this.announcer.say(t("announce.target-reconnected", { name, seconds: this.#back(now.target) }));
    else if (now.state === "live") this.announcer.say(t("announce.target-live", { name }));
    else if (now.state === "failed" && this.run.phase !== "failed") {
      const cause = now.cause ? reason(now.cause).sentence : "";
      this.announcer.say(t("announce.target-failed", { name, cause }), "alert");
    } else if (now.state === "stopped") this.announcer.say(t("announce.target-stopped", { name }));
  }

  #lost(words: string, target: number): void {
    this.#lostAt.set(target, Date.now());
    this.announcer.say(words, "alert");
  }

  /** Seconds since it was lost. */
  #back(target: number): number {
    return Math.round((Date.now() - (this.#lostAt.get(target) ?? Date.now())) / 1000);
  }
}

const KEY = Symbol("studio");

export function provideStudio(studio: Studio): void {
  setContext(KEY, studio);
}

export function useStudio(): Studio {
  return getContext<Studio>(KEY);
}
