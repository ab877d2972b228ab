import { createRequire } from "node:module";

import { startRedis } from "./redis.ts";
import { payload, type Subject } from "./subject.ts";

interface BullJob {
  readonly id?: string;
}
interface BullQueue {
  add(name: string, data: unknown, options?: unknown): Promise<BullJob>;
  getJobCounts(...states: string[]): Promise<Record<string, number>>;
  close(): Promise<void>;
}
interface BullWorker {
  on(event: "completed", listener: (job: BullJob) => void): void;
  waitUntilReady(): Promise<unknown>;
  pause(): Promise<void>;
  resume(): void;
  close(force?: boolean): Promise<void>;
}
interface BullModule {
  readonly Queue: new (name: string, options: unknown) => BullQueue;
  readonly Worker: new (
    name: string,
    handler: (job: BullJob) => Promise<unknown>,
    options: unknown,
  ) => BullWorker;
}

/** BullMQ on its own Redis with `appendfsync always`: its durable setting. Completion is seen by the worker's own event. */
export async function bullmq(): Promise<Subject> {
  const require = createRequire(new URL("../peers/package.json", import.meta.url));
  const { Queue, Worker }: BullModule = require("bullmq");
  const redis = await startRedis();
  const connection = { host: "127.0.0.1", port: redis.port };
  const queue = new Queue("bench", { connection });
  const starts = new Map<string, number>();
  const waiting = new Map<string, (startedMs: number) => void>();
  const ended = new Map<string, number>();
  const worker = new Worker(
    "bench",
    (job) => (starts.set(job.id ?? "", performance.now()), Promise.resolve(null)),
    { connection, concurrency: 50 },
  );
  worker.on("completed", ({ id = "" }) => {
    const startedMs = starts.get(id) ?? 0;
    starts.delete(id);
    const resolve = waiting.get(id);
    waiting.delete(id);
    if (resolve === undefined) ended.set(id, startedMs);
    else resolve(startedMs);
  });
  await worker.waitUntilReady();
  const options = { removeOnComplete: true };
  const runTimed = async (): Promise<number> => {
    const { id = "" } = await queue.add("noop", payload, options);
    const startedMs = ended.get(id);
    if (startedMs !== undefined) {
      ended.delete(id);
      return startedMs;
    }
    return await new Promise((resolve) => waiting.set(id, resolve));
  };
  return {
    submit: () => queue.add("noop", payload, options),
    run: runTimed,
    runTimed,
    async pause(paused) {
      if (paused) await worker.pause();
      else worker.resume();
    },
    async drain() {
      for (;;) {
        const { waiting: left = 0, active = 0 } = await queue.getJobCounts("waiting", "active");
        if (left + active === 0) break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      ended.clear();
    },
    async stop() {
      await worker.close(true);
      await queue.close();
      await redis.stop();
    },
  };
}
