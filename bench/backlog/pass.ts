import { monitorEventLoopDelay } from "node:perf_hooks";

import { keepHeapSmall } from "../../src/adapters/node/small-heap.ts";
import { defineTask } from "../../src/engine/index.ts";
import { readSettings } from "../../src/hosts/embedded/config.ts";
import { openEmbedded } from "../../src/hosts/embedded/embedded.ts";
import { quantile, type Figures } from "../harness/figures.ts";
import { load, pssMb, scratch } from "../harness/machine.ts";
import { payload } from "../throughput/subject.ts";

/*
 * One pass of bench/backlog, in a process of its own, because memory is one of the figures:
 * `node pass.ts DEPTH`. Fills a paused queue, submits into it, and lets it go.
 */
const depth = Number(process.argv[2]);
const loaders = 512;
const drainMs = 5_000;
const samples = 400;

// As `errand serve` does.
keepHeapSmall();
const loadBefore = load();
const dir = scratch("backlog");
const seen = { ended: 0 };
const noop = defineTask("noop", {}, () => void (seen.ended += 1));
const settings = await readSettings({ ERRAND_DATA_DIR: dir.path }, dir.path);
const { engine } = await openEmbedded(
  { ...settings, config: { tasks: [noop] } },
  { log: { info: () => undefined, error: console.error } },
);
const user = (number: number): string => `user_${number % 100}`;

async function submitMany(count: number): Promise<number> {
  const startMs = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: loaders }, async () => {
      while (next < count) await engine.submit("noop", payload, { userId: user((next += 1)) });
    }),
  );
  return (count / (performance.now() - startMs)) * 1_000;
}

/** One caller at a time, so that nothing but the depth differs. */
async function submitOnes(): Promise<number[]> {
  const times: number[] = [];
  for (let number = 0; number < samples; number += 1) {
    const startMs = performance.now();
    await engine.submit("noop", payload, { userId: user(number) });
    times.push(performance.now() - startMs);
  }
  return times;
}

/** Waits until so many handlers have ended, or until a time. */
async function endedOf(count: number, untilMs: number): Promise<void> {
  while (seen.ended < count && performance.now() < untilMs)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

// Warm code first: the smaller depth would otherwise pay for it.
await submitMany(5_000);
await endedOf(5_000, Number.POSITIVE_INFINITY);
await engine.pauseQueue("tasks", true);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const loadPerS = await submitMany(depth);
const submits = await submitOnes();
const pendingPssMb = pssMb(process.pid);
const before = seen.ended;
const startMs = performance.now();
await engine.pauseQueue("tasks", false);
await endedOf(before + depth, startMs + drainMs);
const drainPerS = ((seen.ended - before) / (performance.now() - startMs)) * 1_000;
const figures: Figures = {
  loadPerS,
  submitP50Ms: quantile(submits, 0.5),
  submitP99Ms: quantile(submits, 0.99),
  drainPerS,
  pendingPssMb,
  longestPauseMs: delay.max / 1e6,
  load: loadBefore,
};
process.stdout.write(`figures ${JSON.stringify(figures)}\n`);
dir.remove();
process.exit(0);
