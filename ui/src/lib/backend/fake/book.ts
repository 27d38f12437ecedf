import type { Connection } from "$lib/bindings/Connection";
import type { ConnectionBook } from "$lib/bindings/ConnectionBook";
import type { ConnectionIngest } from "$lib/bindings/ConnectionIngest";
import type { KeyStoreState } from "$lib/bindings/KeyStoreState";
import { causeHere } from "$lib/i18n/cause";

const DAY_MS = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();

export const ingest = (id: string, role: string, server: string, key = true): ConnectionIngest => ({
  id,
  role,
  server,
  key: key ? "***" : null,
  user: null,
  password: null,
});

export const blank: Connection = {
  id: "",
  name: "",
  provider: "custom",
  variant: null,
  ingests: [],
  ca: null,
  playback: null,
  ladder: [],
  encoding: null,
  links: { console: null, dashboard: null, player: null },
  channel: null,
  notes: "",
  used: null,
  notices: [],
};

const some: Connection[] = [
  {
    ...blank,
    id: "main",
    name: "Main stage",
    provider: "medialive",
    variant: "standard",
    ingests: [
      ingest("main-1", "primary", "rtmp://198.51.100.99/live"),
      ingest("main-2", "backup", "rtmp://192.0.2.18/live"),
    ],
    playback: {
      url: "https://c4af3793bf76b33c.mediapackage.ap-northeast-2.amazonaws.com/out/v1/stage/main/hls/index.m3u8",
      derived: "typed",
      access: [],
    },
    ladder: [1080, 720, 480],
    links: { console: "https://console.aws.amazon.com/medialive/home", dashboard: null, player: null },
    channel: "3412876",
    used: ago(1),
  },
  {
    ...blank,
    id: "ivs",
    name: "IVS overflow room",
    provider: "ivs",
    variant: "basic",
    ingests: [ingest("ivs-1", "primary", "rtmps://a1b2c3d4e5f6.global-contribute.live-video.net/app")],
    playback: {
      url: "https://3d26876b73d7.us-west-2.playback.live-video.net/api/video/v1/us-west-2.9133.channel.xhP3.m3u8",
      derived: "typed",
      access: ["query"],
    },
    used: ago(9),
  },
  {
    ...blank,
    id: "hall",
    name: "Town hall",
    provider: "nginx-rtmp",
    ingests: [ingest("hall-1", "primary", "rtmp://media.town.example/live", false)],
    playback: { url: "http://media.town.example/hls/{key}.m3u8", derived: "rule", access: [] },
    notices: ["key-in-playback"],
  },
];

const cities = ["Seoul", "Busan", "Daegu", "Incheon", "Gwangju", "Daejeon", "Ulsan", "Suwon", "Jeju"];
const many: Connection[] = cities.map((city, at) => ({
  ...blank,
  id: city.toLowerCase(),
  name: `${city} studio`,
  provider: ["youtube", "mux", "cloudflare", "twitch"][at % 4] ?? "custom",
  ingests: [ingest(`${city}-1`, "primary", "rtmps://a.rtmps.youtube.com/live2")],
  used: at % 2 ? ago(at + 20) : null,
}));

const stores: Record<string, KeyStoreState | null> = {
  system: { kind: "system", locked: false, warning: null },
  file: { kind: "file", locked: false, warning: null },
  locked: { kind: "file", locked: true, warning: causeHere("key-store-locked") },
  memory: { kind: "memory", locked: false, warning: causeHere("key-store-memory", "no keyring answered") },
  broken: null,
};

/** A key store that is shut cannot tell whether it has a key. */
function withoutKeys(connection: Connection): Connection {
  return { ...connection, ingests: connection.ingests.map((one) => ({ ...one, key: null })), notices: [] };
}

/** `which` = empty | some | many | unreadable; `keys` = system | file | locked | memory | broken. */
export function bookFor(which: string, keys: string): ConnectionBook {
  const unreadable = which === "unreadable";
  const path = { path: "/home/kim/.config/tamarack/connections.json" };
  const problem = unreadable
    ? causeHere("settings-unreadable", "expected `,` or `}` at line 41 column 5", path)
    : keys === "broken"
      ? causeHere("key-store-failed", "the keyring is closed", { reason: "the keyring is closed" })
      : null;
  const connections = which === "many" ? [...some, ...many] : which === "some" ? some : [];
  const shut = keys === "locked" || keys === "broken";
  return {
    connections: structuredClone(connections).map((one) => (shut ? withoutKeys(one) : one)),
    key_store: stores[keys] === undefined ? (stores["system"] ?? null) : stores[keys],
    problem,
    recoverable: unreadable,
  };
}
