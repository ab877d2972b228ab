import { expect, test } from "vitest";

import { drawPlan, noFaults, type Plan } from "./plan.ts";
import { runSeed } from "./run-seed.ts";
import { failureText } from "./seed-suite.ts";

/**
 * A seed whose world has streams, children, sleeps, retries, sessions, a lane, todos, reminders and questions, and
 * few enough commits to try all.
 */
const scenarioSeed = 65;

/** The scenario's world, in which nothing else goes wrong. */
function scenario(remoteQueues: boolean): Plan {
  return { ...drawPlan(scenarioSeed), faults: noFaults, remoteQueues, snapshotEventsEvery: 5 };
}

test.each([
  ["before", "at home", false],
  ["after", "at home", false],
  ["before", "in another home", true],
  ["after", "in another home", true],
] as const)(
  "[SIM5] no single crash %s any commit breaks a promise, with queues %s",
  async (side, _, remoteQueues) => {
    const plan = scenario(remoteQueues);
    const calm = await runSeed(scenarioSeed, { plan });
    expect(calm.failure).toBeNull();
    expect(calm.commits).toBeGreaterThan(50);
    const fate = side === "before" ? "diesBefore" : "diesAfter";
    for (let commit = 1; commit <= calm.commits; commit += 1) {
      const result = await runSeed(scenarioSeed, { plan, crashPoint: { commit, fate } });
      if (result.failure !== null) expect.fail(`${fate} commit ${commit}\n${failureText(result)}`);
    }
  },
);
