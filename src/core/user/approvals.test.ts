import { expect, test } from "vitest";

import { given, START_MS } from "../../../test/given.ts";
import { userScope } from "../scope.ts";
import { userDecider, type UserCommand } from "./decider.ts";

const ANN = userScope("ann");
const approval = { id: "appr_1", taskId: "task_1", taskType: "send", question: "Send it?" };
const ask: UserCommand = { type: "approvalAsked", approval };

test("[APPROVE1] the list holds what waits: a question is on it once, and off it when it is settled", () => {
  const asked = given(userDecider, ANN).when(ask);
  asked.then({ type: "approval.asked", approval }).again().nothing();
  expect([...asked.state.approvals.values()]).toEqual([{ ...approval, askedAtMs: START_MS }]);
  const saved = JSON.parse(JSON.stringify(userDecider.snapshot?.save(asked.state))) as unknown;
  expect(userDecider.snapshot?.load(ANN, saved)).toEqual(asked.state);
  const settled = asked.when({ type: "approvalSettled", id: "appr_1" });
  settled.then({ type: "approval.settled", id: "appr_1" }).again().nothing();
  expect(settled.state.approvals.size).toBe(0);
});
