/** `npm run verify`: what must hold before a commit. Needs no service, port or browser. */
import { isStrict, report, runAll } from "./run-all.ts";
import { STATIC_CHECKS, UNIT_SUITE } from "./suites.ts";

const summary = await runAll(STATIC_CHECKS, [UNIT_SUITE]);
process.exitCode = report(summary, isStrict(process.env));
