import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      { test: { name: "packages", include: ["packages/*/test/**/*.test.ts"] } },
      {
        test: {
          name: "integration",
          include: ["integration-tests/**/*.test.ts", "examples/**/*.test.ts", "benchmarks/**/*.test.ts"],
          testTimeout: 60_000,
        },
      },
    ],
  },
});
