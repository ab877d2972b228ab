import { expect, test } from "vitest";

import { ErrandError } from "../../../core/errors.ts";
import type { TaskContext } from "../../../engine/index.ts";
import type { FlowAnswer, FlowEnd, FlowOperation, FlowParams } from "./flow-call.ts";
import { FlowContext, runFlow } from "./flow-context.ts";
import { guardedSteps, type Steps } from "./steps.ts";

const params: FlowParams = {
  version: 1,
  taskId: "task_1",
  home: "user/ann",
  type: "t",
  userId: "ann",
  sessionId: null,
  attempt: 1,
  input: null,
  roles: ["chat"],
  workerRoles: [],
};

/** A journal as the platform keeps it: a function that throws is run again, so often. */
class Journal implements Steps {
  readonly kept = new Map<string, string>();

  async do<T>(name: string, { retries }: { retries: number }, run: Parameters<Steps["do"]>[2]) {
    for (let attempt = 1; !this.kept.has(name); attempt += 1) {
      try {
        const { signal } = new AbortController();
        // oxlint-disable-next-line no-await-in-loop -- One try after the other.
        this.kept.set(name, JSON.stringify(await run({ attempt, signal })));
      } catch (error) {
        if (attempt > retries) throw error;
      }
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- What the same step has put there.
    return JSON.parse(this.kept.get(name) ?? "null") as T;
  }

  sleep(): Promise<void> {
    return Promise.resolve();
  }
}

/** Runs a handler as a flow over a journal; `answer` is the task. */
async function flow(
  handler: (ctx: TaskContext) => unknown,
  answer: (step: string, operation: FlowOperation) => FlowAnswer,
  { journal = new Journal(), of = params } = {},
): Promise<{ end: FlowEnd; asked: string[]; journal: Journal }> {
  const asked: string[] = [];
  const context = new FlowContext(of, guardedSteps(journal), async (step, operation) => {
    asked.push(step);
    return await Promise.resolve(answer(step, operation));
  });
  return { end: await runFlow((_, ctx) => handler(ctx), of, context), asked, journal };
}

const ok = (value: unknown): FlowAnswer => ({ ok: true, value });

test("[FLOW2] operations have the names they have in the task, and each is asked for once, however often the flow starts again", async () => {
  const handler = async (ctx: TaskContext): Promise<unknown> => {
    const workers = await ctx.step("workers", () => ["a"]);
    await ctx.progress({ message: "planning" });
    const child = await ctx.spawn("part", null, { name: "worker-1" });
    const [{ text }, end, again] = await Promise.all([
      ctx.generate("chat", { messages: [] }),
      child.settled(),
      child.settled(),
    ]);
    return { workers, id: child.id, text, status: [end.status, again.status] };
  };
  const answer = (step: string, operation: FlowOperation): FlowAnswer => {
    if (operation.is === "step") return ok(operation.result);
    if (operation.is === "generate") return ok({ text: step, finish: "stop" });
    if (operation.is === "settled") return ok({ status: "completed", output: 1, error: null });
    return ok(operation.is === "spawn" ? "task_2" : null);
  };
  const { end, asked, journal } = await flow(handler, answer);
  expect(end).toEqual({
    ok: true,
    output: {
      workers: ["a"],
      id: "task_2",
      text: "call:chat-1",
      status: ["completed", "completed"],
    },
  });
  expect(asked).toEqual([
    "step:workers",
    "progress-1",
    "child:worker-1",
    "call:chat-1",
    "join:worker-1",
  ]);
  const replayed = await flow(handler, answer, { journal });
  expect(replayed.end).toEqual(end);
  expect(replayed.asked).toEqual([]);
});

test("[FLOW2] a home out of reach is asked again, and one that is not done yet as well", async () => {
  let left = 3;
  const { end, asked } = await flow(
    (ctx) => ctx.generate("chat", { messages: [] }),
    () => {
      left -= 1;
      if (left === 2) throw new ErrandError("unavailable", "the object was reset");
      return left > 0 ? { pending: true } : ok("answer");
    },
  );
  expect(end).toEqual({ ok: true, output: "answer" });
  expect(asked).toEqual(["call:chat-1", "call:chat-1", "call:chat-1"]);
});

test("[FLOW2] what an operation fails with is caught by its code, and ends the flow as it would end the handler", async () => {
  const error = { code: "model_rejected", message: "no schemas here" } as const;
  const refuse = (): FlowAnswer => ({ ok: false, error, retry: "never" });
  const caught = await flow(async (ctx) => {
    try {
      return await ctx.generate("chat", { messages: [] });
    } catch (thrown) {
      return thrown instanceof ErrandError ? thrown.code : "another";
    }
  }, refuse);
  expect(caught.end).toEqual({ ok: true, output: "model_rejected" });
  const thrown = await flow((ctx) => ctx.generate("chat", { messages: [] }), refuse);
  expect(thrown.end).toMatchObject({ ok: false, error, retry: "never" });
});

test("[FLOW5] a task that has ended is told to the flow once, and its signal fires", async () => {
  let isAborted = false;
  const { end, asked } = await flow(
    async (ctx) => {
      ctx.signal.addEventListener("abort", () => (isAborted = true));
      await ctx.write("text");
    },
    () => {
      throw new ErrandError("conflict", "the task has ended");
    },
  );
  expect(end).toMatchObject({ ok: false, error: { code: "conflict" } });
  expect(asked).toEqual(["write-1"]);
  expect(isAborted).toBe(true);
});

test("[FLOW4] a result above 1 MiB is the step's failure, not a reason to try again", async () => {
  let runs = 0;
  const { end, asked } = await flow(
    (ctx) =>
      ctx.step("large", () => {
        runs += 1;
        return "ü".repeat(600_000);
      }),
    () => ok(null),
  );
  expect(end).toMatchObject({ ok: false, error: { code: "too_large" } });
  const answered = await flow(
    (ctx) => ctx.generate("chat", { messages: [] }),
    () => ok("ü".repeat(600_000)),
  );
  expect(answered.end).toMatchObject({ ok: false, error: { code: "too_large" } });
  expect([runs, asked.length, answered.asked.length]).toEqual([1, 0, 1]);
});

test("[FLOW8] what a flow cannot have is refused, and so is one of a newer version", async () => {
  for (const handler of [
    (ctx: TaskContext) => ctx.model("chat"),
    (ctx: TaskContext) => ctx.tools({}),
  ])
    // oxlint-disable-next-line no-await-in-loop -- Two.
    expect((await flow(handler, () => ok(null))).end).toMatchObject({ error: { code: "fatal" } });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- What a later version would send.
  const newer = { ...params, version: 2 } as unknown as FlowParams;
  const { end } = await flow(
    () => 1,
    () => ok(null),
    { of: newer },
  );
  expect(end).toMatchObject({
    error: { message: expect.stringContaining("newer Errand") as string },
  });
});
