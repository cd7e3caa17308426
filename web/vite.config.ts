import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    // The orchestrator serves the page from its own package, so that a wheel needs no Node.
    outDir: "../services/orchestrator/pitcall_orchestrator/static",
    emptyOutDir: true,
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/v1": server, "/ws": { target: server, ws: true } },
  },
  test: {
    environment: "happy-dom",
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
  },
});
