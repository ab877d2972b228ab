/** The example of a team with one LM Studio: training and chat on one device, over kill -9, from Python. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, expect, test } from "vitest";

import { startFakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import { dataFolder } from "../engine/workbench.ts";
import { json, post } from "./server-process.ts";

const example = fileURLToPath(new URL("../../../examples/lm-studio-team/", import.meta.url));

const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

async function startTeam(env: Readonly<Record<string, string>>, cwd: string) {
  const child = spawn(process.execPath, [join(example, "run.ts")], {
    cwd,
    env: { ...process.env, PORT: "0", TEAM_PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended(child);
  };
  closing.push(kill);
  let said = "";
  child.stderr.on("data", (chunk) => (said += String(chunk)));
  const [, team = "", errand = ""] = await new Promise<RegExpExecArray>((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      said += String(chunk);
      const ready = /team ready at (\S+), errand at (\S+)/.exec(said);
      if (ready !== null) resolve(ready);
    });
    child.once("exit", () => reject(new Error(`the team's server ended: ${said}`)));
  });
  return { team, errand, kill };
}

interface Traced {
  readonly epoch: number;
  readonly batch: number;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
}

function traced(path: string): Traced[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Traced);
}

/** Waits until so many batches are done, by watching the folder. */
async function batchesDone(dir: string, path: string, count: number): Promise<void> {
  const done = Promise.withResolvers<void>();
  const look = (): void => void (traced(path).length >= count && done.resolve());
  const watcher = watch(dir, look);
  look();
  await done.promise;
  watcher.close();
}

test(
  "[DEVICE1,DEVICE2] training and chat never run at once on a device, a training goes on from its last checkpoint after kill -9, and Python follows it",
  { timeout: 120_000 },
  async () => {
    const model = await startFakeModel({ tokensPerSecond: 100 });
    const { dir, remove } = dataFolder();
    closing.push(() => model.close(), remove);
    const trace = join(dir, "trace");
    const env = { LM_STUDIO_URL: model.baseUrl, ERRAND_DATA_DIR: dir, TRAIN_TRACE: trace };
    const first = await startTeam(env, dir);
    const input = { dataset: "d", epochs: 3, batches: 4, batchMs: 400 };
    const { task_id: id } = (await json(`${first.team}/train`, post(input))) as { task_id: string };
    await batchesDone(dir, trace, 2);
    const queue = (await json(`${first.team}/queue`)) as { tasks: { type: string }[] };
    expect(queue.tasks.map(({ type }) => type)).toContain("train");
    await first.kill();
    const before = traced(trace).length;
    expect(before).toBeLessThan(12);

    const second = await startTeam(env, dir);
    const python = spawn("python3", [join(example, "train.py"), "follow", id], {
      env: { ...process.env, ERRAND_URL: second.errand, TEAM_URL: second.team },
    });
    closing.push(() => ended(python));
    let said = "";
    python.stdout.on("data", (chunk) => (said += String(chunk)));
    // A person asks in the middle of it: between two epochs.
    const chat = json(
      `${second.errand}/v1/chat/completions`,
      post({
        model: "chat",
        messages: [{ role: "user", content: "[[say one two three four five six]]" }],
      }),
    );
    await ended(python);
    expect(said.trim().split("\n").at(-1)).toBe("completed");
    expect(said).toContain("d: epoch 3 of 3");
    expect(await chat).toMatchObject({
      choices: [{ message: { content: "one two three four five six" } }],
    });

    const batches = traced(trace);
    // Finished batches were not done again: the one under the kill at most is there twice.
    const names = batches.map(({ epoch, batch }) => `${epoch}.${batch}`);
    expect(new Set(names).size).toBe(12);
    expect(names.length).toBeLessThanOrEqual(13);
    const calls = model
      .log()
      .filter(({ path, status }) => path.endsWith("/chat/completions") && status === 200);
    expect(calls).toHaveLength(1);
    for (const { startedAtMs = 0, endedAtMs = 0 } of calls)
      for (const { beganAtMs, endedAtMs: overAtMs } of batches)
        expect(overAtMs <= startedAtMs || beganAtMs >= endedAtMs).toBe(true);
  },
);

test(
  "[DEVICE2] a training is submitted and cancelled from Python, and wrong input is refused",
  { timeout: 60_000 },
  async () => {
    const model = await startFakeModel();
    const { dir, remove } = dataFolder();
    closing.push(() => model.close(), remove);
    const { team, errand } = await startTeam(
      { LM_STUDIO_URL: model.baseUrl, ERRAND_DATA_DIR: dir },
      dir,
    );
    const run = (...args: string[]) => {
      const python = spawn("python3", [join(example, "train.py"), ...args], {
        env: { ...process.env, ERRAND_URL: errand, TEAM_URL: team },
      });
      closing.push(() => ended(python));
      return python;
    };
    const submitting = run("submit", "long", "2", "100", "1000");
    const [id] = await new Promise<RegExpExecArray>((resolve) => {
      submitting.stdout.on("data", (chunk) => {
        const found = /task_\w+/.exec(String(chunk));
        if (found !== null) resolve(found);
      });
    });
    const cancelling = run("cancel", id);
    await ended(cancelling);
    await ended(submitting);
    expect([cancelling.exitCode, submitting.exitCode]).toEqual([0, 1]);
    expect(await json(`${errand}/api/tasks/${id}`)).toMatchObject({ status: "cancelled" });
    const wrong = await fetch(`${team}/train`, post({ dataset: "", epochs: 900 }));
    expect(wrong.status).toBe(400);
    expect(await wrong.text()).toContain("dataset");
    const { schedules } = (await json(`${errand}/api/schedules`)) as { schedules: unknown[] };
    expect(schedules).toMatchObject([{ name: "norms", type: "norms_update", cron: "0 3 * * *" }]);
  },
);
