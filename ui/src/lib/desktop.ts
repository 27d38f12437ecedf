import { isTauri } from "@tauri-apps/api/core";

const isField = (target: EventTarget | null) =>
  target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;

/** Leftovers of the web that have no place in a desktop window: reload, the browser's menu, dropped files. */
export function guardDesktop(): void {
  if (!isTauri() || import.meta.env.DEV) return;
  addEventListener("contextmenu", (event) => {
    if (!isField(event.target)) event.preventDefault();
  });
  addEventListener("keydown", (event) => {
    const reload = event.code === "F5" || ((event.ctrlKey || event.metaKey) && event.code === "KeyR");
    if (reload) event.preventDefault();
  });
  for (const name of ["dragover", "drop"] as const) {
    addEventListener(name, (event) => event.preventDefault());
  }
}
