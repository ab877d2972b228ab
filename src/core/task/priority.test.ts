import { expect, test } from "vitest";

import { CALL_1, spec, task, TASK } from "../../../test/task-facts.ts";
import { queueScope } from "../scope.ts";

const moves = (queue: string, call: string) => ({
  to: queueScope(queue),
  body: { type: "move", call, band: 0 },
});
const accepted = { type: "task.accepted", spec: spec() } as const;
const queued = { type: "task.queued", call: CALL_1 } as const;
const started = { type: "task.started", attempt: 1, epoch: 1 } as const;
const asked = {
  type: "call.requested",
  op: "c",
  call: `${TASK}.2`,
  queue: "model",
  role: "chat",
  hash: "h",
  cost: 2,
} as const;
const promoted = { type: "task.prioritized", priority: "interactive" } as const;
const promote = { type: "prioritize", priority: "interactive" } as const;

test("[TASK28] a task that waits for its start is moved in its pool, once", () => {
  const done = task(accepted, queued).when(promote).then(promoted).sends(moves("tasks", CALL_1));
  expect(done.state.spec?.priority).toBe("interactive");
  done.again().nothing();
});

test("[TASK28] a task that runs moves the calls it has waiting, and asks for later ones in the new class", () => {
  const done = task(accepted, queued, started, asked)
    .when(promote)
    .then(promoted)
    .sends(moves("model", `${TASK}.2`));
  expect(done.state.spec?.priority).toBe("interactive");
});

test("[TASK28] what has ended has no place in line", () => {
  task(accepted, queued, started, { type: "task.completed", output: null })
    .when(promote)
    .refused("conflict");
});
