import { expect, test } from "vitest";

import { createAesCipher } from "../../src/adapters/aes-cipher/aes-cipher.ts";
import type { Signal } from "../../src/core/decider.ts";
import { queueScope, sessionScope, taskScope } from "../../src/core/scope.ts";
import type { SessionCommand } from "../../src/core/session/decider.ts";
import type { RunnerCommand, TaskCommand, TaskSignal } from "../../src/core/task/commands.ts";
import type { TaskSpec } from "../../src/core/task/spec.ts";
import type { TaskState } from "../../src/core/task/state.ts";
import { deciders } from "../../src/engine/deciders.ts";
import { recover } from "../../src/engine/recovery.ts";
import type { Group, SyncStore } from "../../src/ports/store.ts";
import { KernelBench, quiet } from "./kernel-bench.ts";
import type { WithBench } from "./kernel-groups.contract.ts";
import { START_MS, type WithStore } from "./store-groups.ts";

/** A text that stands for everything a person, a handler or a model may write. */
const CANARY = "canary-3f9c";

function specOf(id: string, changes: Partial<TaskSpec> = {}): TaskSpec {
  const fixed = { type: "note", userId: "ann", queue: "tasks", priority: "background" } as const;
  return { ...fixed, input: null, rootId: id, ...changes };
}

/** Submits a task to a pool of four slots. */
async function submit({ kernel }: KernelBench, changes: Partial<TaskSpec> = {}): Promise<string> {
  const settings = { slots: 4, slotsPerKey: null };
  await kernel.ask(queueScope("tasks"), { type: "configure", settings });
  const id = kernel.id("task");
  await kernel.ask(taskScope(id), { type: "submit", spec: specOf(id, changes) });
  return id;
}

type Unfenced<C> = C extends RunnerCommand ? Omit<C, "epoch"> : never;

/** Gives a command as the task's present worker. */
async function work(bench: KernelBench, id: string, command: Unfenced<RunnerCommand>) {
  const { epoch } = await stateOf(bench, id);
  return await bench.kernel.ask(taskScope(id), { ...command, epoch });
}

function stateOf({ kernel }: KernelBench, id: string): Promise<TaskState> {
  return kernel.read(taskScope(id), (state) => structuredClone(state as TaskState));
}

function startsOf(bench: KernelBench): string[] {
  const starts: string[] = [];
  bench.kernel.listen({
    signal(signal: Signal) {
      const task = signal as TaskSignal;
      if (task.kind === "task.start") starts.push(`${task.taskId}#${task.attempt}`);
    },
  });
  return starts;
}

const log = { info: () => undefined, error: () => undefined };

/** Real tasks on the kernel: what a restart finds, and what the disk may know of them. */
export function kernelRecoveryContract(withBench: WithBench): void {
  test("[RECOVER1] after a crash every slot is free again, and who held one starts anew", () =>
    withBench(
      async ({ bench, reopen }) => {
        const ids = [await submit(bench), await submit(bench)];
        const again = await reopen();
        const starts = startsOf(again);
        await recover(again.kernel, again.store, log);
        expect(starts).toEqual(ids.map((id) => `${id}#2`));
        for (const id of ids) {
          expect(await stateOf(again, id)).toMatchObject({ status: "running", losses: 1 });
        }
      },
      { deciders },
    ));

  test("[RECOVER2] a task that ran without a slot is found by its row, one that waits is left alone", () =>
    withBench(
      async ({ bench, reopen }) => {
        await bench.kernel.start();
        const [sleeps, woke] = [await submit(bench), await submit(bench)];
        await work(bench, sleeps, { type: "sleep", op: "s", ms: 60_000 });
        await work(bench, woke, { type: "sleep", op: "s", ms: 1_000 });
        await bench.ringAt(START_MS + 1_000);
        expect((await stateOf(bench, woke)).status).toBe("running");
        const again = await reopen();
        const starts = startsOf(again);
        again.nowMs = bench.nowMs;
        await recover(again.kernel, again.store, log);
        await again.kernel.start();
        expect(starts).toEqual([`${woke}#2`]);
        expect(await stateOf(again, sleeps)).toMatchObject({ status: "waiting", losses: 0 });
        await again.ringAt(START_MS + 60_000);
        expect(await stateOf(again, sleeps)).toMatchObject({ status: "running", attempt: 1 });
      },
      { deciders },
    ));

  test("[RECOVER4] streams of attempts that are over are closed, with what was said on them", () =>
    withBench(
      async ({ bench, reopen }) => {
        const id = await submit(bench);
        const stream = await bench.kernel.openStream(id, `${id}/1`, "ann", 1);
        await bench.kernel.append(stream, [{ t: "text", d: "half an ans" }]);
        const again = await reopen();
        expect(await again.store.streamsOpen()).toEqual([`${id}/1`]);
        await recover(again.kernel, again.store, log);
        expect(await again.store.streamsOpen()).toEqual([]);
        expect(await again.kernel.readStream(`${id}/1`, 0)).toEqual([
          { t: "text", d: "half an ans" },
        ]);
      },
      { deciders },
    ));

  test("[RECOVER5] a process that stops in good order grants nothing more; the next one grants what waits", () =>
    withBench(
      async ({ bench, reopen }) => {
        const runs = await submit(bench);
        await bench.kernel.ask(queueScope("tasks"), {
          type: "configure",
          settings: { slots: 1, slotsPerKey: null },
        });
        const waits = bench.kernel.id("task");
        await bench.kernel.ask(taskScope(waits), { type: "submit", spec: specOf(waits) });
        const starts = startsOf(bench);
        bench.kernel.drain();
        await work(bench, runs, { type: "complete", output: null });
        expect([starts, (await stateOf(bench, waits)).phase]).toEqual([[], "queued"]);
        const again = await reopen();
        const startsAgain = startsOf(again);
        await recover(again.kernel, again.store, log);
        expect(startsAgain).toEqual([`${waits}#1`]);
        expect((await stateOf(again, waits)).losses).toBe(0);
      },
      { deciders },
    ));

  test("[TASK14] a task that its owner opens again is listed once, as open", () =>
    withBench(
      async ({ bench }) => {
        const id = await submit(bench);
        await bench.kernel.ask(taskScope(id), { type: "cancel" });
        const list = (statusClass: "active" | "failed") =>
          bench.store.tasks({ userId: "ann", statusClass, limit: 9 });
        expect([(await list("active")).length, (await list("failed")).length]).toEqual([0, 1]);
        await bench.kernel.ask(taskScope(id), { type: "retry" });
        expect([(await list("active")).length, (await list("failed")).length]).toEqual([1, 0]);
        expect(await bench.store.tasks({ userId: null, limit: 9 })).toHaveLength(1);
        expect(await bench.store.task(id)).toMatchObject({ status: "queued", endedAtMs: null });
      },
      { deciders },
    ));

  test("[SESSION1] turns of one session run one at a time, and the answer comes with the end of its task", () =>
    withBench(
      async ({ bench }) => {
        const starts = startsOf(bench);
        await submit(bench);
        const session = sessionScope("ann", "main");
        const [first, second] = [bench.kernel.id("task"), bench.kernel.id("task")];
        await Promise.all([
          bench.kernel.ask(session, say(first, 1)),
          bench.kernel.ask(session, say(second, 2)),
        ]);
        expect(starts).not.toContain(`${second}#1`);
        await work(bench, first, { type: "complete", output: { text: "answer" } });
        expect(starts).toContain(`${second}#1`);
        const { commits } = bench;
        await bench.kernel.ask(taskScope(second), { type: "cancel" });
        expect(bench.commits - commits).toBe(1);
        const shown = await bench.kernel.read(session, (state) =>
          [...(state as { messages: Map<string, unknown> }).messages.values()].filter(
            (message) => (message as { role: string }).role === "assistant",
          ),
        );
        expect(shown).toMatchObject([
          { status: "completed", parts: [{ text: "answer" }] },
          { status: "failed", error: { code: "cancelled" } },
        ]);
      },
      { deciders },
    ));
}

function say(taskId: string, n: number, text = `question ${n}`): SessionCommand {
  return {
    type: "say",
    userMessageId: `msg_u${n}`,
    messageId: `msg_a${n}`,
    taskId,
    parts: [{ type: "text", text }],
    onBusy: "queue",
    spec: specOf(taskId, { sessionId: "main", messageId: `msg_a${n}`, input: text }),
  };
}

/** With the real cipher: what people, handlers and models wrote is nowhere to be read. Synchronous stores only. */
export function kernelSealContract(withStore: WithStore): void {
  test("[SEAL10] a scan of everything that is written finds nothing that anybody wrote", () =>
    withStore(async ({ store, reopen }) => {
      const cipherOf = (opened: SyncStore) =>
        createAesCipher({ store: opened, storeKey: new Uint8Array(32).fill(7), keySetting: "x" });
      const options = { deciders, snapshotEventsEvery: 3 };
      const isLocal = (scope: string): boolean => scope !== "queue/elsewhere";
      const carried: unknown[] = [];
      const courier = {
        async deliver(message: unknown) {
          carried.push(message);
        },
      };
      const cipher = cipherOf(store as SyncStore);
      const bench = new KernelBench(store, { ...options, cipher, courier, isLocal });
      const id = await talkOfEverything(bench);
      const written = bench.groups.flatMap(readable).join("\n");
      expect(written).not.toContain(CANARY);
      // The scan would find it: what is meant to be clear is there.
      expect(written).toContain("ann");
      expect(written).toContain(id);
      const opened = (await reopen()) as SyncStore;
      const again = new KernelBench(opened, { ...options, cipher: cipherOf(opened) });
      const state = await stateOf(again, id);
      expect(JSON.stringify([state.spec, state.output])).toContain(CANARY);
      expect(JSON.stringify(await again.kernel.readStream(`${id}/1`, 0))).toContain(CANARY);
    }));
}

/** A task and a session with the canary wherever there is room for one. */
async function talkOfEverything(bench: KernelBench): Promise<string> {
  const { kernel } = bench;
  const error = { code: "handler_failed", message: CANARY } as const;
  const id = await submit(bench, { input: { secret: CANARY }, title: CANARY });
  const stream = await kernel.openStream(id, `${id}/1`, "ann", 1);
  void kernel.append(stream, [
    { t: "text", d: CANARY },
    { t: "reasoning", d: CANARY },
    { t: "toolInput", id: "1", name: "mail", input: CANARY },
  ]);
  const event: TaskCommand = { type: "event", name: "go", payload: CANARY };
  await kernel.ask(taskScope(id), event, { meta: { actionId: CANARY } });
  for (const command of [
    { type: "step", op: `step:${CANARY}`, result: CANARY },
    { type: "progress", progress: { message: CANARY } },
    { type: "spawn", op: "c", spec: specOf("", { queue: "elsewhere", input: CANARY }) },
    { type: "toolIntend", op: "t", id: "1", name: "mail", hash: "h" },
    { type: "toolSettle", op: "t", state: "failed", error },
    { type: "complete", output: { text: CANARY } },
  ] satisfies Unfenced<RunnerCommand>[]) {
    await work(bench, id, command);
  }
  void kernel.append(stream, [{ t: "text", d: CANARY }]);
  await kernel.close(stream);
  const turn = kernel.id("task");
  await kernel.ask(sessionScope("ann", "main"), say(turn, 1, CANARY));
  await work(bench, turn, { type: "fail", error, retry: "never" });
  await quiet();
  return id;
}

/** All text that somebody with the rows of a group could read, in whatever encoding. */
function readable(group: Group): string[] {
  const texts: string[] = [];
  const clear = JSON.stringify(group, (_, value: unknown) => {
    if (!(value instanceof Uint8Array)) return value;
    texts.push(Buffer.from(value).toString("latin1"), Buffer.from(value).toString("utf16le"));
    return "";
  });
  return [clear, ...texts];
}
