import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

// core: pure code, the command line's included, also run under Deno and Bun.
// runtime: objects and parts of the Worker, inside workerd; storage is isolated per file.
// system: the built bundle with real servers and real clients, from Node.
// A time limit only ends what hangs: no test may depend on how fast the machine is.
const LIMIT_MS = 60_000;
// The same for all, so that they are one queue: many files wait most of their time, for processes that
// start and for what has to take its time, and others have the processors meanwhile.
const WORKERS = 3;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "core",
          include: ["test/core/**/*.test.ts", "test/cli/pure/**/*.test.ts"],
          environment: "node",
          testTimeout: LIMIT_MS,
          maxWorkers: WORKERS,
          // Pure code keeps nothing that one file could leave to the next, and most files take less than a process does to start.
          isolate: false,
        },
      },
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: "./wrangler.toml", environment: "local" },
            miniflare: { bindings: { SEARCH_MIGRATIONS: await readD1Migrations("./migrations/search") } },
          })),
        ],
        test: {
          name: "runtime",
          setupFiles: ["./test/support/search_tables.ts"],
          include: ["test/durable/**/*.test.ts", "test/workers/**/*.test.ts"],
          testTimeout: LIMIT_MS,
          maxWorkers: WORKERS,
        },
      },
      {
        test: {
          name: "system",
          include: ["test/{gateway,clients,hostile,faults,cli,local,docs}/**/*.test.ts"],
          // Those have a configuration of their own, vitest.long.config.ts.
          exclude: ["test/**/*.long.test.ts", "test/cli/pure/**"],
          environment: "node",
          testTimeout: LIMIT_MS,
          hookTimeout: LIMIT_MS,
          globalSetup: ["test/support/build_once.ts"],
          maxWorkers: WORKERS,
        },
      },
    ],
  },
});
