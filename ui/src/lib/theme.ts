import type { Theme } from "$lib/state/preferences.svelte";

const light = typeof matchMedia === "undefined" ? null : matchMedia("(prefers-color-scheme: light)");

/** Puts the theme on the document; the returned function stops following the system. */
export function applyTheme(theme: Theme): () => void {
  const apply = () => {
    const resolved = theme === "system" ? (light?.matches ? "light" : "dark") : theme;
    document.documentElement.dataset["theme"] = resolved;
  };
  apply();
  if (theme !== "system") return () => undefined;
  light?.addEventListener("change", apply);
  return () => light?.removeEventListener("change", apply);
}
