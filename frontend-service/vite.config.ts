import { fileURLToPath } from "node:url";
import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { fakeServer } from "./dev/fake-server.ts";

/** Where the gateway is, for `npm run dev`. */
const GATEWAY = process.env.REELWORK_GATEWAY ?? "http://127.0.0.1:8000";
const FORWARDED = ["/v1", "/docs", "/openapi.json", "/app-config.json", "/healthz", "/readyz"];

export default defineConfig(({ mode }) => ({
  plugins: [react(), tailwind(), ...(mode === "fake" ? [fakeServer(process.env.FAKE_MEDIA)] : [])],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: {
    host: "127.0.0.1",
    proxy: mode === "fake" ? {} : Object.fromEntries(FORWARDED.map((path) => [path, GATEWAY])),
  },
  preview: { host: "127.0.0.1" },
  build: { target: "baseline-widely-available", sourcemap: true, assetsInlineLimit: 0 },
  test: {
    environment: "happy-dom",
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    // Nothing here waits for the clock; the bound is for a busy machine.
    testTimeout: 20_000,
  },
}));
