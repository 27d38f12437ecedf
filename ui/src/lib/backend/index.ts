import { isTauri } from "@tauri-apps/api/core";
import type { Backend } from "./backend";

export type { Backend } from "./backend";

/** The engine inside the app; a fake in a plain browser, loaded only there. */
export async function connect(): Promise<Backend> {
  if (isTauri()) return (await import("./tauri")).tauri;
  const { Fake } = await import("./fake/fake");
  return new Fake(new URLSearchParams(location.search));
}
