import axe from "axe-core";
import type { Page } from "playwright-core";

/**
 * What axe finds wrong with a page: each rule with the elements that break it. `rules` limits the look to these. axe is
 * put into the page once and run right there: its adapter for Playwright goes over a second page and takes four times
 * as long.
 */
export async function axeFindings(page: Page, rules?: readonly string[]): Promise<unknown[]> {
  await page.evaluate(settled);
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const options = {
    resultTypes: ["violations"],
    ...(rules === undefined ? {} : { runOnly: { type: "rule", values: rules } }),
  };
  const run = `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) =>
    violations.map((found) => [found.id, found.nodes.map((node) => node.html)]))`;
  return await page.evaluate<unknown[]>(run);
}

/** Waits for what fades or slides in; what turns for ever is not waited for. */
async function settled(): Promise<void> {
  const passing = document
    .getAnimations()
    .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(passing.map((one) => one.finished));
}
