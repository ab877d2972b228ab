/** Runs checks and suites one after the other, prints a heading and the time of each, and sums them up. */
import { runTool } from "./child-process.ts";
import type { Counts, Skip } from "./count-reporter.ts";
import { runSuite } from "./run-suite.ts";
import type { Check, Suite } from "./suites.ts";

/** What a whole run did. A failed check counts as one failed test. */
export type Summary = { readonly passed: number; readonly failed: number; readonly skips: Skip[] };

/**
 * Goes on after a failure, so that one run shows all there is to mend. `envFor` gives a suite its environment. Suites
 * `beside` run while the others do, and are reported behind them.
 */
export async function runAll(
  checks: readonly Check[],
  suites: readonly Suite[],
  envFor: (suite: Suite) => Promise<Record<string, string>> = async () => ({}),
  beside: readonly Suite[] = [],
): Promise<Summary> {
  const total: Counts = { passed: 0, failed: 0, skipped: [] };
  for (const check of checks) {
    const code = await timed(check.name, [check.tool, ...check.args].join(" "), async () =>
      runTool(check.tool, check.args),
    );
    if (code !== 0) {
      console.log(`FAILED: ${check.name}`);
      total.failed += 1;
    }
  }
  const meanwhile = new Map(beside.map((suite) => [suite, runSuite(suite.project, {})]));
  for (const suite of [...suites, ...beside]) {
    const counts = await timed(
      suite.project,
      suite.about,
      async () => await (meanwhile.get(suite) ?? runSuite(suite.project, await envFor(suite))),
    );
    total.passed += counts.passed;
    total.failed += counts.failed;
    for (const skip of counts.skipped) {
      total.skipped.push({ ...skip, name: `[${suite.project}] ${skip.name}` });
    }
  }
  return { passed: total.passed, failed: total.failed, skips: total.skipped };
}

/**
 * Prints the skips and, as the very last line, `N passed, N failed, N skipped`; returns the exit code.
 * With `strict` a skip fails the run: on CI a test that did not run proves nothing.
 */
export function report(summary: Summary, strict: boolean): number {
  const { passed, failed, skips } = summary;
  for (const skip of skips) console.log(`SKIPPED ${skip.name}: ${skip.reason}`);
  const skipsFail = strict && skips.length > 0;
  if (skipsFail) console.log("FAILED: nothing may be skipped when CI=true or ERRAND_REQUIRE=all");
  console.log(`${passed} passed, ${failed} failed, ${skips.length} skipped`);
  return failed > 0 || skipsFail ? 1 : 0;
}

/** Whether this run must not skip anything. */
export function isStrict(env: Record<string, string | undefined>): boolean {
  return env["CI"] === "true" || env["ERRAND_REQUIRE"] === "all";
}

async function timed<T>(name: string, about: string, work: () => Promise<T>): Promise<T> {
  console.log(`\n=== ${name}: ${about}`);
  const startedAtMs = performance.now();
  const result = await work();
  console.log(`=== ${name}: ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
  return result;
}
