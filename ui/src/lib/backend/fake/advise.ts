import type { Advice } from "$lib/bindings/Advice";
import type { Connection } from "$lib/bindings/Connection";
import type { Destination } from "$lib/bindings/Destination";
import type { Settings } from "$lib/bindings/Settings";
import { limitsOf, providers, recognise } from "./providers";

interface Chosen {
  name: string;
  provider: string;
  variant: string | null;
  servers: string[];
}

function chosen(destination: Destination, connections: readonly Connection[]): Chosen[] {
  if (destination.kind === "url") {
    const { url } = destination;
    return [{ name: url.split("/", 3).join("/"), provider: recognise(url), variant: null, servers: [url] }];
  }
  if (destination.kind === "local") return [];
  return connections
    .filter(({ id }) => id === destination.id)
    .map(({ name, provider, variant, ingests }) => ({
      name,
      provider,
      variant,
      servers: ingests.map(({ server }) => server),
    }));
}

/** The rules that matter most, as the engine words them. */
export function advise(
  destinations: Destination[],
  connections: readonly Connection[],
  settings: Settings,
): Advice {
  const { width, height, fps, video_kbps, audio_kbps, keyframe_s } = settings;
  const advice: Advice = {
    encoding: { width, height, fps, video_kbps, audio_kbps, keyframe_s },
    lowered: [],
    warnings: [],
    recommended: null,
  };
  const total = video_kbps + audio_kbps;
  for (const { name, provider, variant, servers } of destinations.flatMap((one) =>
    chosen(one, connections),
  )) {
    const limits = limitsOf(provider, variant);
    if (limits.total_kbps && total > limits.total_kbps) {
      const to = limits.total_kbps - audio_kbps;
      const values = { limit: String(limits.total_kbps), actual: String(total) };
      advice.warnings.push({ rule: "total-bitrate", refused: true, ...values, name });
      advice.lowered.push({ rule: "video-bitrate", from: String(video_kbps), to: String(to), name });
      advice.encoding.video_kbps = Math.min(advice.encoding.video_kbps, to);
    }
    if (limits.tls === "required" && servers.some((server) => server.startsWith("rtmp:")))
      advice.warnings.push({ rule: "tls-required", refused: true, limit: "", actual: "", name });
    if (limits.keyframe_s && keyframe_s > limits.keyframe_s) {
      const [from, to] = [String(keyframe_s), String(limits.keyframe_s)];
      advice.warnings.push({ rule: "keyframes-far", refused: true, limit: to, actual: from, name });
      advice.lowered.push({ rule: "keyframes-far", from, to, name });
      advice.encoding.keyframe_s = limits.keyframe_s;
    }
    const presets = provider === "custom" ? [] : (providers.find(({ id }) => id === provider)?.presets ?? []);
    const most = limits.total_kbps ?? Infinity;
    advice.recommended ??= presets.find((preset) => preset.video_kbps + preset.audio_kbps <= most) ?? null;
  }
  return advice;
}
