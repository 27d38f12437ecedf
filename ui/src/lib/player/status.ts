/** What the player is doing. */
export type Status = "idle" | "loading" | "waiting" | "playing" | "stalled" | "ended" | "error";

/** What the player measures; null is unknown, which is not 0. */
export interface Figures {
  width: number;
  height: number;
  kbps: number | null;
  /** Seconds that can be played without another byte. */
  buffer: number | null;
  /** Seconds behind the end of the playlist. */
  behind: number | null;
  /** Pictures decoded too late to be shown. */
  dropped: number | null;
}
