/** Runs seeds for as long as is wished, and says how fast. `--seed N` replays one and prints its whole trace. */
import { parseArgs } from "node:util";

import { runSeed, type SeedResult } from "./run-seed.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    minutes: { type: "string" },
    /** Run each seed a second time and compare the traces. */
    twice: { type: "boolean", default: false },
  },
});

/** Lines between two signs of life. */
const reportEveryMs = 10_000;
const msPerMinute = 60_000;

const replay = values.seed === undefined ? null : Number(values.seed);
const from = replay ?? Number(values.from);
const untilMs = values.minutes === undefined ? Infinity : Number(values.minutes) * msPerMinute;
const count = replay !== null ? 1 : untilMs === Infinity ? Number(values.seeds) : Infinity;

const startedMs = performance.now();
let reportedMs = startedMs;
let failures = 0;
let done = 0;
for (let seed = from; done < count && performance.now() - startedMs < untilMs; seed += 1) {
  const result = await runSeed(seed, { keepAll: replay !== null });
  done += 1;
  if (result.failure !== null || (await differs(result))) {
    failures += 1;
    process.exitCode = 1;
    console.log(`seed ${seed}: ${result.failure?.message ?? "runs differently the second time"}`);
    console.log(`  replay: node test/sim/run.ts --seed ${seed}\n`);
  }
  if (replay !== null) console.log(`${result.tail.join("\n")}\nhash ${result.hash}`);
  if (performance.now() - reportedMs < reportEveryMs) continue;
  reportedMs = performance.now();
  console.log(summary());
}
console.log(summary());

async function differs({ seed, hash }: SeedResult): Promise<boolean> {
  return values.twice && (await runSeed(seed)).hash !== hash;
}

function summary(): string {
  const perMinute = Math.round((done * msPerMinute) / (performance.now() - startedMs));
  return `${done} seeds from ${from}, ${failures} failures, ${perMinute} seeds a minute`;
}
