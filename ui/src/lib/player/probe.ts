/** Whether this webview can play what the loopback and most CDNs deliver. */
export type Support = "ok" | "mse-missing" | "codecs-missing";

const DELIVERED = 'video/mp4; codecs="avc1.640028,mp4a.40.2"';

type Source = Pick<typeof MediaSource, "isTypeSupported">;

export function probe(scope: { MediaSource?: Source; ManagedMediaSource?: Source } = globalThis): Support {
  const source = scope.MediaSource ?? scope.ManagedMediaSource;
  if (!source) return "mse-missing";
  return source.isTypeSupported(DELIVERED) ? "ok" : "codecs-missing";
}
