import { configDefaults, defineConfig } from "vitest/config";

const slow = "**/*.slow.test.ts";
const exclude = [...configDefaults.exclude, slow];
/** A machine that is busy with something else makes no test fail. */
const patient = { testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 20_000 } } };

export default defineConfig({
  test: {
    // By default one core is left to the runner, which needs little: of two, tests would get one.
    maxWorkers: "100%",
    // Adapters warn on the console where a test does not listen.
    silent: "passed-only",
    projects: [
      { test: { ...patient, name: "packages", include: ["packages/*/test/**/*.test.ts"], exclude } },
      {
        test: {
          ...patient,
          name: "integration",
          include: ["integration-tests/**/*.test.ts", "examples/**/*.test.ts", "benchmarks/**/*.test.ts"],
          exclude,
        },
      },
      {
        test: {
          ...patient,
          name: "slow",
          include: [`packages/*/test/${slow}`, `integration-tests/${slow}`, `benchmarks/${slow}`],
          testTimeout: 600_000,
          maxConcurrency: 2,
        },
      },
    ],
  },
});
