/** The fake model in a process of its own, so that its CPU is not counted with that of whoever calls it. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

import { type FakeModelOptions, startFakeModel } from "../test/fake-model/index.ts";

/** A fake model that runs in a child process. */
export interface FakeModelProcess {
  readonly baseUrl: string;
  /** CPU used by it so far, in microseconds. */
  cpuUs(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts one. */
export async function forkFakeModel(options: FakeModelOptions): Promise<FakeModelProcess> {
  const child = fork(import.meta.filename, [JSON.stringify(options)], { stdio: "inherit" });
  const baseUrl = String(await answerOf(child));
  return {
    baseUrl,
    cpuUs: async () => {
      child.send("cpu");
      return Number(await answerOf(child));
    },
    stop: async () => {
      child.kill();
      await once(child, "exit");
    },
  };
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const [answer]: unknown[] = await once(child, "message");
  return answer;
}

async function main(): Promise<void> {
  const options: FakeModelOptions = JSON.parse(process.argv[2] ?? "{}");
  const fake = await startFakeModel(options);
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  process.on("disconnect", () => process.exit());
  process.send?.(fake.baseUrl);
}

if (import.meta.main) await main();
