/** `npm test`: verify and every slower suite. Installs what a suite needs, or skips aloud. */
import { buildWeb } from "./build-web.ts";
import { provisionBrowser } from "./provision-browser.ts";
import { isStrict, report, runAll } from "./run-all.ts";
import { BESIDE_SUITE, SLOW_SUITES, STATIC_CHECKS, type Suite, UNIT_SUITE } from "./suites.ts";

const summary = await runAll(STATIC_CHECKS, [UNIT_SUITE, ...SLOW_SUITES], envFor, [BESIDE_SUITE]);
process.exitCode = report(summary, isStrict(process.env));

async function envFor(suite: Suite): Promise<Record<string, string>> {
  if (!suite.browser) return {};
  await buildWeb();
  const browser = await provisionBrowser();
  if ("path" in browser) return { CHROME_PATH: browser.path };
  console.log(`NO BROWSER: ${browser.missing}`);
  // The suite skips its tests with this as the reason.
  return { CHROME_PATH: "", ERRAND_NO_BROWSER: browser.missing };
}
