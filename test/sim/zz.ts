import { drawPlan } from "./plan.ts";
import { runSeed } from "./run-seed.ts";
const seed = Number(process.argv[2]); const p = drawPlan(seed);
const r = await runSeed(seed, { keepAll: true, plan: { ...p, asyncStore: true, weights: { ...p.weights, turn: p.weights.turn * 4 } } });
console.log(r.failure?.message); console.log(r.tail.join("\n"));
