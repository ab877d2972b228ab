import { fileURLToPath } from "node:url";

import { Passes, type Figures } from "../harness/figures.ts";
import { load, machineLine, scratch } from "../harness/machine.ts";
import { startErrand } from "../harness/processes.ts";

/*
 * kill -9 of the server with 1,000 tasks of 3 s in flight, and a start at once: how long until all are done, over the
 * 3 s that work begun at the kill itself would take, and whether any is lost or ends twice.
 *
 *     node bench/recovery/run.ts [rounds]
 */
const rounds = Number(process.argv[2] ?? "3");
const tasks = 1_000;
const taskMs = 3_000;
const config = fileURLToPath(new URL("./errand.config.ts", import.meta.url));

/** Reads a JSON answer; every answer of the API is an object. */
async function json(url: string, body?: unknown): Promise<Readonly<Record<string, unknown>>> {
  const headers = { "content-type": "application/json", "x-requested-with": "bench" };
  const response = await fetch(
    url,
    body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) },
  );
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return await response.json();
}

async function inBatches<T>(items: readonly T[], one: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (let item = left.pop(); item !== undefined; item = left.pop()) await one(item);
    }),
  );
}

async function ends(url: string, id: string): Promise<number> {
  const log = JSON.stringify(await json(`${url}/api/tasks/${id}/log?limit=1000`));
  return log.split('"task.completed"').length - 1;
}

async function pass(): Promise<Figures> {
  const loadBefore = load();
  const dir = scratch("recovery");
  const env = { ERRAND_CONFIG: config };
  const first = await startErrand(dir.path, env);
  const ids: string[] = [];
  const numbers = Array.from({ length: tasks }, (_, number) => number);
  await inBatches(numbers, async () => {
    ids.push(String((await json(`${first.said}/api/tasks`, { type: "work", input: null }))["id"]));
  });
  await first.kill();
  const killedMs = performance.now();
  const second = await startErrand(dir.path, env);
  const readyAfterMs = performance.now() - killedMs;
  for (;;) {
    const active = await json(`${second.said}/api/tasks?status=active&limit=1`);
    if (Array.isArray(active["tasks"]) && active["tasks"].length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const overIdealMs = performance.now() - killedMs - taskMs;
  let inFlight = 0;
  let lost = 0;
  let endedTwice = 0;
  await inBatches(ids, async (id) => {
    const count = await ends(second.said, id);
    const { attempts } = await json(`${second.said}/api/tasks/${id}`);
    // Whoever was in flight had to start again.
    if (attempts === 2) inFlight += 1;
    if (count === 0) lost += 1;
    if (count > 1) endedTwice += 1;
  });
  await second.kill();
  dir.remove();
  return { inFlight, readyAfterMs, overIdealMs, lost, endedTwice, load: loadBefore };
}

const passes = new Passes();
process.stdout.write(machineLine());
for (let round = 0; round < rounds; round += 1) passes.add("errand", await pass());
process.stdout.write(passes.table());
process.exit(0);
