import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/** Time one test may take: what ends a test that hangs, and never a judgement on a busy machine. */
const SLOW_TEST_MS = 60_000;

/**
 * One project per suite; `scripts/suites.ts` says what each is for and runs them in turn.
 * unit, contracts and sim share one module graph per thread (`isolate: false`), ten times faster than a fresh one per
 * file: such tests keep no state in module variables. What opens ports and files runs in processes of its own.
 */
export default defineConfig({
  test: {
    passWithNoTests: true,
    projects: [
      {
        test: {
          name: "unit",
          testTimeout: SLOW_TEST_MS,
          include: ["src/**/*.test.{ts,tsx}", "scripts/**/*.test.ts"],
          pool: "threads",
          isolate: false,
        },
      },
      {
        test: {
          name: "contracts",
          testTimeout: SLOW_TEST_MS,
          include: ["test/contracts/**/*.test.ts"],
          pool: "threads",
          isolate: false,
        },
      },
      {
        plugins: [cloudflareTest({ wrangler: { configPath: "./test/workerd/wrangler.jsonc" } })],
        test: {
          name: "workerd",
          include: ["test/workerd/**/*.test.ts"],
          testTimeout: SLOW_TEST_MS,
        },
      },
      {
        test: {
          name: "sim",
          include: ["test/sim/**/*.test.ts"],
          pool: "threads",
          isolate: false,
          // Pure arithmetic: one file for each of two cores.
          maxWorkers: 2,
          testTimeout: SLOW_TEST_MS,
        },
      },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          pool: "forks",
          // Processes that start, are killed and wait: two files at a time, also on two cores.
          maxWorkers: 2,
          testTimeout: SLOW_TEST_MS,
          hookTimeout: SLOW_TEST_MS,
        },
      },
      {
        test: {
          // Waits that hardly use the machine: run beside the other suites.
          name: "beside",
          include: ["test/beside/**/*.test.ts"],
          pool: "forks",
          tags: [{ name: "slow", description: "waits longer than a minute" }],
        },
      },
      {
        test: {
          name: "web",
          include: ["test/web/**/*.test.ts"],
          pool: "forks",
          // A browser each, which waits more than it works: two files at a time, also on two cores.
          maxWorkers: 2,
          // What a page shows comes when it comes: a busy machine must not decide a test.
          expect: { poll: { timeout: 15_000 } },
          testTimeout: SLOW_TEST_MS,
          hookTimeout: SLOW_TEST_MS,
        },
      },
    ],
  },
});
