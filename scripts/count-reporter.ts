/**
 * A vitest reporter that writes what a suite did as JSON to the file named by ERRAND_COUNTS_FILE.
 * Vitest's own JSON reporter leaves out why a test was skipped, and a skip without a reason cannot be judged.
 */
import { writeFileSync } from "node:fs";

import type { Reporter, TestModule } from "vitest/node";

/** What one run of a suite did. A file that cannot be loaded and an error outside tests each count as a failure. */
export type Counts = { passed: number; failed: number; skipped: Skip[] };

/** A test that did not run; `reason` is the note given to `context.skip`. */
export type Skip = { name: string; reason: string };

/** Made by vitest from `--reporter=./scripts/count-reporter.ts`. */
export default class CountReporter implements Reporter {
  /** Called once, after the last test. */
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const path = process.env["ERRAND_COUNTS_FILE"];
    if (path === undefined) throw new Error("ERRAND_COUNTS_FILE is not set");
    const counts: Counts = { passed: 0, failed: unhandledErrors.length, skipped: [] };
    for (const module of modules) addModule(counts, module);
    writeFileSync(path, JSON.stringify(counts));
  }
}

function addModule(counts: Counts, module: TestModule): void {
  let failedTests = 0;
  for (const test of module.children.allTests()) {
    const result = test.result();
    if (result.state === "passed") counts.passed += 1;
    else if (result.state === "skipped") {
      const reason = result.note ?? (test.options.mode === "todo" ? "todo" : "no reason given");
      counts.skipped.push({ name: test.fullName, reason });
    } else failedTests += 1;
  }
  const brokenFile = module.state() === "failed" && failedTests === 0;
  counts.failed += brokenFile ? 1 : failedTests;
}
