import { ProductRule } from "./product-rule.ts";
import { loadSimulator, type SimCall, type SimRule } from "./simulator.ts";

/*
 * What it saves, and what it costs, that calls of the model in memory go first: one slot of an endpoint that holds one model
 * and takes seconds to load another, chat and deep answers by one model, everything else by a second one.
 *
 *     SCHEDULING_SIM=<folder> node bench/scheduling/swap.ts [seconds a swap takes] [load] [first seed] [seeds]
 */

const [seconds = "8", load = "0.7", first = "301", count = "5"] = process.argv.slice(2);
const folder = process.env["SCHEDULING_SIM"];
if (folder === undefined) throw new Error("SCHEDULING_SIM names no folder");
const sim = await loadSimulator(folder);
const swapSeconds = Number(seconds);
/** Tokens a second that the simulated endpoint reads: a swap is so many more of them. */
const promptPerSecond = 1_500;

const modelOf = ({ type }: SimCall): string =>
  type === "chat" || type === "deep" ? "chat" : "work";

/** A rule in front of an endpoint that loads a model whenever it is asked for the other one. */
class Swapping implements SimRule {
  readonly #rule: ProductRule;
  #loaded = "";
  swaps = 0;

  constructor(rule: ProductRule) {
    this.#rule = rule;
  }

  add(call: SimCall, now: number): void {
    this.#rule.add(call, now);
  }

  pick(): SimCall | undefined {
    const call = this.#rule.pick();
    if (call !== undefined && modelOf(call) !== this.#loaded) {
      this.#loaded = modelOf(call);
      this.swaps += 1;
      const longer = swapSeconds + call.in / promptPerSecond + 0.05;
      Object.assign(call, { pre: longer, work: longer + call.out / 60 });
    }
    return call;
  }

  victim(now: number, active: readonly SimCall[], clock: number): SimCall | undefined {
    return this.#rule.victim(now, active, clock);
  }

  stopped(call: SimCall, now: number): void {
    this.#rule.stopped(call, now);
  }

  finished(call: SimCall, now: number): void {
    this.#rule.finished(call, now);
  }

  taskDone(...told: Parameters<ProductRule["taskDone"]>): void {
    this.#rule.taskDone(...told);
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

for (const [name, swapMs] of [
  ["knows nothing of swaps", null],
  ["stays with the model in memory", 1_000 * swapSeconds],
] as const) {
  const rows = Array.from({ length: Number(count) }, (_, at) => {
    const seed = Number(first) + at;
    const work = sim.mixed({ seed, k: 1, load: Number(load) });
    const policy = new Swapping(new ProductRule(1, { modelOf, swapMs }));
    const result = sim.simulate({ ...work, k: 1, policy, predictor: sim.newPredictor(seed) });
    const done = result.done.filter(({ t }) => t >= 0.05 * work.horizon);
    const took = (band: number) =>
      done.filter(({ cls }) => cls === band).map(({ end, t }) => end - t);
    const chat = done.filter(({ type }) => type === "chat").map((task) => task.first - task.t);
    const figures = [
      quantile(chat, 0.5),
      quantile(chat, 0.95),
      quantile(took(1), 0.5),
      quantile(took(2), 0.95),
    ];
    return [...figures, policy.swaps, result.stuck];
  });
  const means = rows[0]?.map(
    (_, at) => rows.reduce((sum, row) => sum + (row[at] ?? 0), 0) / rows.length,
  );
  const [chat50, chat95, background, batch, swaps, stuck] = (means ?? []).map((value) =>
    value.toFixed(1),
  );
  console.log(
    `${name}: chat first token p50 ${chat50} s, p95 ${chat95} s, background done p50 ${background} s, batch done p95 ${batch} s, ${swaps} swaps, ${stuck} stuck`,
  );
}
