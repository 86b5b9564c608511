import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const gateway = process.env.PEERWATT_GATEWAY ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [svelte()],
  build: {
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 400,
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    outDir: "dist",
    target: "es2022",
  },
  server: { host: "127.0.0.1", proxy: { "/api": gateway } },
});
