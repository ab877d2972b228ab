import { parseArgs } from "node:util";
import { runSeed } from "./run-seed.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    minutes: { type: "string" },
    once: { type: "boolean", default: false },
  },
});

const one = values.seed === undefined ? null : Number(values.seed);
const from = one ?? Number(values.from);
const count = one === null ? Number(values.seeds) : 1;
const started = performance.now();
let failures = 0;
let steps = 0;
for (let seed = from; seed < from + count; seed += 1) {
  const result = await runSeed(seed, { keepAll: one !== null });
  steps += result.steps;
  if (result.failure) {
    failures += 1;
    console.log(`seed ${seed}: ${result.failure.message}`);
    if (one !== null) console.log(result.failure.tail.join("\n"));
  }
}
const ms = performance.now() - started;
console.log(
  `${count} seeds, ${failures} failures, ${steps} steps, ${(ms / count).toFixed(2)} ms a seed`,
);
