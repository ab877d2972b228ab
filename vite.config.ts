import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/**
 * The page. `vite build` writes hashed files to dist/web, which work under a CSP without inline scripts and styles;
 * `vite` alone serves them with hot reload and passes the API on to a running `errand serve`.
 */
export default defineConfig({
  root: fileURLToPath(new URL("src/web", import.meta.url)),
  // Relative addresses: the page also works behind a proxy that serves it under a path.
  base: "./",
  plugins: [react()],
  build: {
    outDir: fileURLToPath(new URL("dist/web", import.meta.url)),
    emptyOutDir: true,
    target: "es2023",
    // Inlined fonts would need `font-src data:`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The markdown renderer, which is loaded when the first answer is shown; the page itself is held to 150 KB by a test.
    chunkSizeWarningLimit: 600,
  },
  server: {
    proxy: {
      "/api": {
        target: `http://127.0.0.1:${process.env["PORT"] ?? "8787"}`,
        // The server compares the page's origin with the host that was asked: both must stay this one.
        changeOrigin: false,
      },
    },
  },
});
