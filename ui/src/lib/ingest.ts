/** What is wrong with an ingest address, as far as it can be told without connecting. */
export type IngestProblem = "empty" | "bad-url";

function parsed(address: string): URL | null {
  const text = address.trim();
  if (!/^rtmps?:\/\/[^\s/]/i.test(text)) return null;
  // `URL` keeps the parts of a scheme that it does not know in one piece; http has the same shape.
  try {
    return new URL(text.replace(/^rtmp/i, "http"));
  } catch {
    return null;
  }
}

export function ingestProblem(address: string): IngestProblem | null {
  if (address.trim() === "") return "empty";
  const url = parsed(address);
  if (!url || segments(url).length === 0) return "bad-url";
  return null;
}

const segments = (url: URL) => url.pathname.split("/").filter((part) => part !== "");

/**
 * The part of an address that may be stored and shown: scheme, host and app. Whatever follows the app, a query
 * and a user's name and password may be a key, and nobody can tell from the outside.
 */
export function serverPart(address: string): string {
  return upTo(1, address);
}

/** Scheme, host and the whole path: only for an address that a server accepted with the key given beside it. */
export function appPart(address: string): string {
  return upTo(Infinity, address);
}

function upTo(count: number, address: string): string {
  const url = parsed(address);
  if (!url) return "";
  const scheme = /^rtmps:/i.test(address.trim()) ? "rtmps" : "rtmp";
  return [`${scheme}://${hostOf(address)}`, ...segments(url).slice(0, count)].join("/");
}

/** Host and port as written: `URL` would drop a port that is http's default, which is not RTMP's. */
function hostOf(address: string): string {
  const authority =
    address
      .trim()
      .replace(/^rtmps?:\/\//i, "")
      .split(/[/?#\\]/)[0] ?? "";
  return authority.slice(authority.lastIndexOf("@") + 1).toLowerCase();
}

/** As a person would say it: host and app. */
export function serverName(address: string): string {
  return serverPart(address).replace(/^rtmps?:\/\//, "");
}
