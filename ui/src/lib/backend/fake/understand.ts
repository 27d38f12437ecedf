import type { ImportRow } from "$lib/bindings/ImportRow";
import type { ImportTable } from "$lib/bindings/ImportTable";
import { causeHere } from "$lib/i18n/cause";
import { ingest } from "./book";
import { recognise } from "./providers";

const row = (name: string, more: Partial<ImportRow> = {}): ImportRow => ({
  action: "add",
  name,
  provider: "custom",
  ingests: [],
  playback_url: null,
  playback_host: null,
  ca: false,
  clash: null,
  notices: [],
  fault: null,
  ...more,
});

const table = (id: number, more: Partial<ImportTable>): ImportTable => ({
  id,
  source: "json",
  rows: [],
  encoding: null,
  ignored: [],
  offers: [],
  ...more,
});

/** Tables that are asked for by name: `table` | `clash` | `offers` | `host` | `ca`. */
export function named(which: string, id: number): ImportTable {
  const main = row("Main stage", {
    provider: "medialive",
    ingests: [
      ingest("a", "primary", "rtmp://198.51.100.99/live"),
      ingest("b", "backup", "rtmp://192.0.2.18/live"),
    ],
    playback_url:
      "https://c4af3793bf76b33c.mediapackage.ap-northeast-2.amazonaws.com/out/v1/a/b/c/index.m3u8",
  });
  const grove = row("Rehearsal", {
    provider: "nginx-rtmp",
    ingests: [ingest("c", "primary", "rtmp://media.town.example/live")],
    playback_url: "http://media.town.example/hls/***.m3u8",
    notices: ["key-in-playback"],
  });
  const encoding = {
    width: 1920,
    height: 1080,
    fps: "30",
    video_kbps: 5000,
    audio_kbps: 128,
    keyframe_s: 2,
  };
  switch (which) {
    case "clash":
      return table(id, {
        source: "grove",
        rows: [{ ...main, action: "replace", clash: "Main stage" }, grove],
        encoding,
        ignored: ["enc.vid.res", "cam", "adaptiveBitrate"],
      });
    case "offers":
      return table(id, {
        source: "terraform",
        rows: [main],
        ignored: ["vpc_id", "alarm_topic_arn"],
        offers: [
          { name: "standby_endpoint", kind: "ingest", shown: "rtmp://192.0.2.44/live/***" },
          {
            name: "cdn_url",
            kind: "playback",
            shown: "https://d111111abcdef8.cloudfront.net/out/v1/index.m3u8",
          },
        ],
      });
    case "host":
      return table(id, {
        source: "cdk",
        rows: [{ ...main, playback_url: null, playback_host: "d111111abcdef8.cloudfront.net" }],
      });
    case "ca":
      return table(id, {
        source: "bundle",
        rows: [
          {
            ...grove,
            ca: true,
            ingests: [{ ...ingest("d", "primary", "rtmps://ingest.intern/live"), user: "kim" }],
          },
        ],
      });
    default:
      return table(id, { source: "outputs", rows: [main] });
  }
}

const ADDRESS = /\brtmps?:\/\/[^\s"',}]+/g;

/** Roughly as the engine: addresses anywhere in a text, and a playlist. */
export function understood(text: string, id: number, names: readonly string[]): ImportTable {
  const found = [...text.matchAll(ADDRESS)].map(([address]) => address);
  const playback = /\bhttps?:\/\/[^\s"',}]+\.m3u8[^\s"',}]*/.exec(text)?.[0] ?? null;
  if (found.length === 0) throw causeHere(text.trim() ? "import-unknown" : "import-empty");
  const ingests = found.map((address, at) => {
    const [, server = address, key = ""] = /^(\w+:\/\/[^/]+\/[^/]+)\/?(.*)$/.exec(address) ?? [];
    return ingest(`${id}-${at}`, at === 0 ? "primary" : "backup", server, key !== "");
  });
  const name = /^\w+:\/\/(?:[^/@]*@)?([^/:?]+)/.exec(found[0] ?? "")?.[1] ?? "";
  const clash = names.includes(name) ? name : null;
  const action = clash ? "replace" : "add";
  const provider = recognise(found[0] ?? "");
  const source = text.trim().startsWith("{") ? "json" : found.length > 1 ? "lines" : "address";
  return table(id, {
    source,
    rows: [row(name, { action, clash, provider, ingests, playback_url: playback })],
  });
}
