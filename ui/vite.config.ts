import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The font's licence asks to travel with the font. */
function fontLicence(): Plugin {
  return {
    name: "font-licence",
    apply: "build",
    generateBundle() {
      const source = readFileSync(here("../node_modules/pretendard/dist/LICENSE.txt"));
      this.emitFile({ type: "asset", fileName: "licenses/pretendard.txt", source });
    },
  };
}

export default defineConfig({
  root: here("."),
  cacheDir: here("../node_modules/.vite"),
  plugins: [svelte(), fontLicence()],
  resolve: {
    alias: {
      $lib: here("src/lib"),
      $components: here("src/components"),
      $words: here("../crates/words"),
      $catalogue: here("../crates/profiles/src/catalogue"),
    },
    // Tests run the client build of Svelte, because on the server runes do not react.
    ...(process.env["VITEST"] ? { conditions: ["browser"] } : {}),
  },
  server: { port: 5173, strictPort: true, fs: { allow: [here("..")] } },
  build: {
    outDir: here("dist"),
    emptyOutDir: true,
    target: ["es2022", "safari16"],
    // A worker or font as a data: URL would need a wider content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  test: { environment: "node", include: ["src/**/*.test.ts"], retry: 0 },
});
