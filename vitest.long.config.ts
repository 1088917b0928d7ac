import { defineConfig } from "vitest/config";

// Campaigns that take minutes: `npm run test:long`. With LONG_SHARE=small the share that every run of
// .ci/run has. The parts of each print how far they are.
export default defineConfig({
  test: {
    include: ["test/**/*.long.test.ts"],
    environment: "node",
    testTimeout: 300_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    reporters: ["verbose"],
    // Lines of progress come as they are written.
    disableConsoleIntercept: true,
  },
});
