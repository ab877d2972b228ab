import { defineTask } from "../../src/engine/index.ts";
import { readSettings } from "../../src/hosts/embedded/config.ts";
import { openEmbedded } from "../../src/hosts/embedded/embedded.ts";
import { Passes } from "../harness/figures.ts";
import { load, machineLine, pssMb, scratch } from "../harness/machine.ts";
import { startErrand } from "../harness/processes.ts";

/*
 * Start and idle memory of the whole server over a data folder with open tasks: from the start of the process to
 * "ready", and PSS three seconds later. The compile cache is warm: one start comes before.
 *
 *     node bench/start/run.ts [rounds] [tasks,tasks...]
 */
const rounds = Number(process.argv[2] ?? "5");
const sizes = (process.argv[3] ?? "0,10000,100000").split(",").map(Number);
const idleMs = 3_000;
const loaders = 512;

/** A folder with tasks that wait in a paused queue. */
async function folderWith(count: number): Promise<ReturnType<typeof scratch>> {
  const dir = scratch("start");
  const settings = await readSettings({ ERRAND_DATA_DIR: dir.path }, dir.path);
  const embedded = await openEmbedded(
    { ...settings, config: { tasks: [defineTask("noop", {}, () => null)] } },
    { log: { info: () => undefined, error: console.error } },
  );
  const { engine } = embedded;
  await engine.pauseQueue("tasks", true);
  let left = count;
  await Promise.all(
    Array.from({ length: loaders }, async () => {
      while (left > 0) {
        left -= 1;
        await engine.submit("noop", { number: left });
      }
    }),
  );
  await embedded.stop(0);
  return dir;
}

const passes = new Passes();
process.stdout.write(machineLine());
for (const size of sizes) {
  const dir = await folderWith(size);
  for (let round = 0; round <= rounds; round += 1) {
    const loadBefore = load();
    const server = await startErrand(dir.path);
    await new Promise((resolve) => setTimeout(resolve, idleMs));
    const idlePssMb = pssMb(server.pid);
    await server.kill();
    if (round > 0)
      passes.add(`${size} tasks`, { readyMs: server.readyMs, idlePssMb, load: loadBefore });
  }
  dir.remove();
}
process.stdout.write(passes.table());
process.exit(0);
