import { defineConfig } from "vite";

export default defineConfig({
  // Relative, so that the console also works behind a reverse proxy with a path prefix.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    // Nothing becomes a data: address: the page runs under a strict content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // MapLibre is one library of about 1 MB; it loads after the alarm queue is on screen.
    chunkSizeWarningLimit: 1300,
    rollupOptions: {
      output: {
        // MapLibre's worker ends in .mjs, which some web servers do not know to be JavaScript.
        assetFileNames: (asset) => `assets/[name]-[hash]${asset.names[0]?.endsWith(".mjs") ? ".js" : "[extname]"}`,
      },
    },
  },
  worker: { format: "es" },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8099", ws: true } } },
});
