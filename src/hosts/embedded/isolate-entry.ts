/* oxlint-disable typescript/no-unsafe-type-assertion -- Both sides of the channel are this folder's own code, typed against each other. */
import { parentPort } from "node:worker_threads";

import { ErrandError } from "../../core/errors.ts";
import type { AnyTaskType, Child, TaskContext } from "../../engine/index.ts";
import { Channel, type Wire } from "./isolate-channel.ts";

/**
 * The isolated side: runs one handler in this thread or process, and asks the server for every durable operation.
 * `ctx.model` and `ctx.tools` are not offered here: their closures cannot cross, and `ctx.generate` can.
 */
interface RunRequest {
  readonly module: string;
  readonly type: string;
  readonly input: unknown;
  readonly facts: Pick<TaskContext, "taskId" | "userId" | "sessionId" | "attempt">;
}

const controller = new AbortController();
const steps = new Map<
  number,
  (step: { attempt: number; key: string; signal: AbortSignal }) => unknown
>();

const send = (wire: Wire): void => {
  if (parentPort === null) process.send?.(wire);
  else parentPort.postMessage(wire);
};

const channel = new Channel(send, {
  run: async (request: RunRequest) => {
    const task = await findTask(request);
    // The server parsed the input with this type's own schema.
    return await task.handler(request.input as never, await contextOf(request));
  },
  runStep: (stepId: number, step: { attempt: number; key: string }) =>
    steps.get(stepId)?.({ ...step, signal: controller.signal }),
});

function receive(wire: Wire): void {
  if (wire.kind === "abort") controller.abort(new ErrandError("cancelled", wire.message));
  else channel.receive(wire);
}

if (parentPort === null) process.on("message", receive);
else parentPort.on("message", receive);

async function findTask({ module, type }: RunRequest): Promise<AnyTaskType> {
  const exports: unknown = await import(module);
  for (const value of Object.values(exports ?? {})) {
    if (isTask(value) && value.type === type) return value;
  }
  throw new ErrandError("fatal", `${module} exports no task type "${type}"`);
}

function isTask(value: unknown): value is AnyTaskType {
  return typeof value === "object" && value !== null && "handler" in value && "type" in value;
}

async function contextOf({ facts }: RunRequest): Promise<TaskContext> {
  let nextStep = 1;
  const roles = new Map<string, boolean>();
  for (const role of ["chat", "planner", "worker", "writer", "embed", "vision"])
    roles.set(role, (await channel.call("hasModel", role)) === true);
  const ask = async <T>(method: string, ...args: readonly unknown[]): Promise<T> =>
    // The server's context answers: its types are those of TaskContext.
    (await channel.call(method, ...args)) as T;
  const refused = (what: string): never => {
    throw new ErrandError(
      "fatal",
      `${what} is not offered to isolated handlers; use ctx.generate, or leave isolate off`,
    );
  };
  return {
    ...facts,
    signal: controller.signal,
    step(name, fn) {
      const stepId = nextStep;
      nextStep += 1;
      steps.set(stepId, fn);
      return ask("step", name, stepId);
    },
    sleep: (ms, options) => ask("sleep", ms, options),
    approve: (question, options) => ask("approve", question, options),
    waitForEvent: (name, options) => ask("waitForEvent", name, options),
    progress: (progress) => ask("progress", progress),
    write: (text) => ask("write", text),
    generate: (role, request) => ask("generate", role, request),
    embed: (role, request) => ask("embed", role, request),
    async spawn<O>(
      type: string,
      input: unknown,
      options?: Parameters<TaskContext["spawn"]>[2],
    ): Promise<Child<O>> {
      const id = await ask<string>("spawn", type, input, options);
      return { id, result: () => ask("childResult", id), settled: () => ask("childSettled", id) };
    },
    hasModel: (role) => roles.get(role) ?? roles.get("chat") ?? false,
    model: () => refused("ctx.model"),
    tools: () => refused("ctx.tools"),
  };
}
