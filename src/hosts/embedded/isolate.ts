/* oxlint-disable typescript/no-unsafe-type-assertion -- Both sides of the channel are this folder's own code, typed against each other. */
import { fork } from "node:child_process";
import { resolve as resolvePath } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

import { ErrandError } from "../../core/errors.ts";
import type { Progress } from "../../core/task/events.ts";
import type {
  AnyTaskType,
  ApproveOptions,
  Child,
  EmbedRequest,
  GenerateRequest,
  SpawnOptions,
  TaskContext,
} from "../../engine/index.ts";
import type { RunHandler } from "../../engine/runner.ts";
import { taskContext } from "../../engine/task-context.ts";
import { Channel, type Wire } from "./isolate-channel.ts";

/** A thread or process that runs one handler. */
interface Island {
  send(wire: Wire): void;
  kill(): void;
}

interface IslandEvents {
  message(wire: Wire): void;
  gone(why: string): void;
}

const entry = new URL("isolate-entry.ts", import.meta.url);

function startThread(events: IslandEvents): Island {
  const worker = new Worker(entry);
  worker.on("message", (wire: Wire) => events.message(wire));
  worker.on("error", (error) =>
    events.gone(error instanceof Error ? error.message : String(error)),
  );
  worker.on("exit", (code) => events.gone(`its thread ended with code ${code}`));
  return { send: (wire) => worker.postMessage(wire), kill: () => void worker.terminate() };
}

function startProcess(events: IslandEvents): Island {
  const child = fork(entry, {
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  // An IPC message is what the other side's `send` was typed to give.
  child.on("message", (wire) => events.message(wire as unknown as Wire));
  child.on("error", (error) => events.gone(error.message));
  child.on("exit", (code, signal) =>
    events.gone(`its process ended with ${signal ?? `code ${code}`}`),
  );
  return {
    send(wire) {
      if (child.connected) child.send(wire);
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

/**
 * Runs a handler of a task type with `isolate` in a thread or process of its own. Its operations come here as
 * calls and are done by the ordinary context, so they are durable and fenced as ever; its code is somewhere that can
 * be killed: at the end, at a timeout, at a cancel, even if it never yields.
 */
export const runIsolated: RunHandler = async (task, input, segment, ports) => {
  const module = moduleOf(task);
  const context = taskContext(segment, ports);
  const ended = Promise.withResolvers<never>();
  const events: IslandEvents = {
    message: (wire) => channel.receive(wire),
    gone: (why) =>
      ended.reject(
        new ErrandError("handler_failed", `the isolated handler of "${task.type}" is gone: ${why}`),
      ),
  };
  const island = task.options.isolate === "process" ? startProcess(events) : startThread(events);
  const channel: Channel = new Channel(
    (wire) => island.send(wire),
    methodsOf(context, (stepId, step) => channel.call("runStep", stepId, step)),
  );
  const abort = (): void => {
    island.send({ kind: "abort", message: String(segment.signal.reason) });
    island.kill();
  };
  segment.signal.addEventListener("abort", abort);
  try {
    const { taskId, userId, sessionId, attempt } = context;
    const facts = { taskId, userId, sessionId, attempt };
    return await Promise.race([
      channel.call("run", { module, type: task.type, input, facts }),
      ended.promise,
    ]);
  } finally {
    segment.signal.removeEventListener("abort", abort);
    island.kill();
    channel.fail(new ErrandError("fenced", "the isolated handler has ended"));
    ended.promise.catch(() => undefined);
  }
};

function moduleOf(task: AnyTaskType): string {
  const { module } = task.options;
  if (module === undefined) {
    throw new ErrandError(
      "fatal",
      `task type "${task.type}" has isolate, so it needs module: the file that exports it (module: import.meta.url)`,
    );
  }
  return URL.canParse(module) ? module : pathToFileURL(resolvePath(module)).href;
}

type RunStep = (stepId: number, step: { attempt: number; key: string }) => Promise<unknown>;

/** The context's operations, as the isolated side calls them. */
function methodsOf(
  context: TaskContext,
  runStep: RunStep,
): Readonly<Record<string, (...args: never[]) => unknown>> {
  const children = new Map<string, Child>();
  const childOf = (id: string): Child => {
    const child = children.get(id);
    if (child === undefined)
      throw new ErrandError("internal", `the isolated handler has no child ${id}`);
    return child;
  };
  return {
    step: (name: string, stepId: number) =>
      context.step(name, ({ attempt, key }) => runStep(stepId, { attempt, key })),
    sleep: (ms: number, options?: { name?: string }) => context.sleep(ms, options),
    approve: (question: string, options?: ApproveOptions) => context.approve(question, options),
    waitForEvent: (name: string, options?: { timeoutMs?: number }) =>
      context.waitForEvent(name, options),
    progress: (progress: Progress) => context.progress(progress),
    write: (text: string) => context.write(text),
    generate: (role: string, request: GenerateRequest) => context.generate(role, request),
    embed: (role: string, request: EmbedRequest) => context.embed(role, request),
    hasModel: (role: string) => context.hasModel(role),
    async spawn(type: string, input: unknown, options?: SpawnOptions) {
      const child = await context.spawn(type, input, options);
      children.set(child.id, child);
      return child.id;
    },
    childSettled: (id: string) => childOf(id).settled(),
    childResult: (id: string) => childOf(id).result(),
  };
}
