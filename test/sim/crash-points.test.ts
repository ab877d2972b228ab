import { expect, test } from "vitest";

import { drawPlan, noFaults, type Plan } from "./plan.ts";
import { runSeed } from "./run-seed.ts";
import { failureText } from "./seed-suite.ts";

/** A seed whose world has streams, children, waits, retries and a session, and few enough commits to try all. */
const scenarioSeed = 24;

/** The scenario's world, in which nothing else goes wrong. */
function scenario(remoteQueues: boolean): Plan {
  return { ...drawPlan(scenarioSeed), faults: noFaults, remoteQueues, snapshotEventsEvery: 5 };
}

test.each([
  ["at home", false],
  ["in another home", true],
])(
  "[SIM5] no single crash at any commit breaks a promise, with queues %s",
  async (_, remoteQueues) => {
    const plan = scenario(remoteQueues);
    const calm = await runSeed(scenarioSeed, { plan });
    expect(calm.failure).toBeNull();
    expect(calm.commits).toBeGreaterThan(50);
    for (let commit = 1; commit <= calm.commits; commit += 1) {
      for (const fate of ["diesBefore", "diesAfter"] as const) {
        const result = await runSeed(scenarioSeed, { plan, crashPoint: { commit, fate } });
        if (result.failure !== null)
          expect.fail(`${fate} commit ${commit}\n${failureText(result)}`);
      }
    }
  },
);
