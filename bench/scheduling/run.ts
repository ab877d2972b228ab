import { ProductRule } from "./product-rule.ts";
import { loadSimulator, type SimRule, type SimTask, type Simulator } from "./simulator.ts";

/*
 * The product's own queue beside other rules, on the tasks of public traces and in virtual time. The figures depend
 * on the seeds alone, not on the machine.
 *
 *     SCHEDULING_SIM=<folder of the simulator> node bench/scheduling/run.ts [sections] [first seed] [seeds]
 *
 * Sections, joined by commas: main, flood, fair, starve, estimates. Default: all, seeds 301 to 305.
 */

const [sections = "main,flood,fair,starve,estimates", firstSeed = "301", count = "5"] =
  process.argv.slice(2);
const folder = process.env["SCHEDULING_SIM"];
if (folder === undefined) {
  throw new Error("SCHEDULING_SIM names no folder: set it to the folder of the simulator");
}
const sim: Simulator = await loadSimulator(folder);
const seeds: readonly number[] = Array.from(
  { length: Number(count) },
  (_, at) => Number(firstSeed) + at,
);

type MakeRule = (slots: number) => SimRule;

const others = new Set([
  "fifo (per call)",
  "priority fifo",
  "vtc",
  "oracle np",
  "oracle class",
  "oracle srpt",
]);
const rules: readonly (readonly [name: string, make: MakeRule])[] = [
  ["product", (slots) => new ProductRule(slots)],
  ["product, no cuts", (slots) => new ProductRule(slots, { cuts: false })],
  ...Object.entries(sim.rules).filter(([name]) => others.has(name)),
];

const sorted = (values: readonly number[]) => Float64Array.from(values).sort();

function quantile(values: readonly number[], share: number): number {
  const all = sorted(values);
  const at = (all.length - 1) * share;
  const low = all[Math.floor(at)] ?? Number.NaN;
  return low + (at - Math.floor(at)) * ((all[Math.ceil(at)] ?? low) - low);
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
  console.log(`${lines.join("\n")}\n`);
}

const figure = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

/** Means over the seeds of what each seed measured. */
function overSeeds<F extends Readonly<Record<string, number>>>(
  measure: (seed: number) => F,
  on: readonly number[] = seeds,
): F {
  const measured = on.map(measure);
  const first = measured[0];
  if (first === undefined) throw new Error("no seeds: the third argument says how many");
  const means = { ...first };
  for (const key in means)
    Object.assign(means, { [key]: mean(measured.map((one) => one[key] ?? 0)) });
  return means;
}

function mixedLoad(make: MakeRule, slots: number, load: number) {
  return overSeeds((seed) => {
    const work = sim.mixed({ seed, k: slots, load });
    const result = sim.simulate({
      ...work,
      k: slots,
      policy: make(slots),
      predictor: sim.newPredictor(seed),
    });
    const counted = result.done.filter((task) => task.t >= work.horizon * 0.05);
    const chat = counted.filter((task) => task.type === "chat").map((task) => task.first - task.t);
    const took = (band: number) =>
      counted.filter((task) => task.cls === band).map((task) => task.end - task.t);
    const [interactive, background, batch] = [took(0), took(1), took(2)];
    return {
      chat50: quantile(chat, 0.5),
      chat95: quantile(chat, 0.95),
      chat99: quantile(chat, 0.99),
      interactive95: quantile(interactive, 0.95),
      background50: quantile(background, 0.5),
      background95: quantile(background, 0.95),
      batch95: quantile(batch, 0.95),
      cuts: result.cuts,
      stuck: result.stuck,
    };
  });
}

function mainSection(): void {
  for (const [slots, load] of [
    [1, 0.9],
    [4, 0.9],
    [1, 0.7],
    [1, 1.1],
  ] as const) {
    const measured = rules.map(([name, make]) => [name, mixedLoad(make, slots, load)] as const);
    const of = (name: string) => measured.find(([one]) => one === name)?.[1].chat95 ?? Number.NaN;
    console.log(`${slots} slots, load ${load}, seeds ${seeds.join(" ")}: seconds\n`);
    table(
      [
        "rule",
        "chat first token p50 / p95 / p99",
        "of oracle np",
        "better than FIFO",
        "interactive done p95",
        "background done p50 / p95",
        "batch done p95",
        "cuts",
        "stuck",
      ],
      measured.map(([name, is]) => [
        name,
        `${figure(is.chat50)} / ${figure(is.chat95)} / ${figure(is.chat99)}`,
        (is.chat95 / of("oracle np")).toFixed(2),
        `${(of("fifo (per call)") / is.chat95).toFixed(1)}x`,
        figure(is.interactive95),
        `${figure(is.background50)} / ${figure(is.background95)}`,
        figure(is.batch95),
        figure(is.cuts),
        figure(is.stuck),
      ]),
    );
  }
}

function floodSection(): void {
  const rows: string[][] = [];
  for (const slots of [1, 4]) {
    for (const [name, make] of rules) {
      const light = (how: Readonly<Record<string, unknown>>) =>
        overSeeds(
          (seed) => {
            const work = sim.flood({ seed, k: slots, ...how });
            const result = sim.simulate({
              ...work,
              k: slots,
              policy: make(slots),
              predictor: sim.newPredictor(seed),
            });
            return { p95: sim.summarise(result, work).light.p95 };
          },
          seeds.slice(0, 3),
        ).p95;
      const [calm, flooded] = [light({ withFlood: false }), light({})];
      rows.push([String(slots), name, figure(calm), figure(flooded), (flooded / calm).toFixed(2)]);
    }
  }
  console.log("a light user's first token p95 (s), without and with a flooder in the same class\n");
  table(["slots", "rule", "calm", "flooder", "flooder / calm"], rows);
}

function fairSection(): void {
  const rows: string[][] = [];
  const weights = [1, 1, 2, 2, 4, 4, 1, 2];
  for (const slots of [1, 4]) {
    for (const [name, make] of rules) {
      const jain = (how: Readonly<Record<string, unknown>>) =>
        overSeeds(
          (seed) => {
            const work = sim.saturated({ seed, ...how });
            const how2 = {
              k: slots,
              policy: make(slots),
              predictor: sim.newPredictor(seed),
              maxTime: work.horizon,
            };
            const { jain: index, jainMin } = sim.summarise(
              sim.simulate({ ...work, ...how2 }),
              work,
            );
            return { index, jainMin };
          },
          seeds.slice(0, 3),
        );
      const [equal, weighted] = [jain({}), jain({ weights })];
      rows.push([
        String(slots),
        name,
        equal.index.toFixed(3),
        equal.jainMin.toFixed(3),
        weighted.index.toFixed(3),
      ]);
    }
  }
  console.log("Jain index of service per weight, 8 users who always wait, windows of 10 minutes\n");
  table(["slots", "rule", "equal weights", "worst window", "unequal weights"], rows);
}

function starveSection(): void {
  const rows = rules.map(([name, make]) => {
    const is = overSeeds((seed) => {
      const work = sim.mixed({ seed, k: 1, load: 1.25, shares: [0.85, 0.1, 0.05] });
      const result = sim.simulate({
        ...work,
        k: 1,
        policy: make(1),
        predictor: sim.newPredictor(seed),
      });
      const early = result.all.filter((task) => task.cls > 0 && task.t < 0.7 * work.horizon);
      const chat = result.done
        .filter((task) => isCounted(task, work.horizon))
        .map((task) => task.first - task.t);
      return {
        inTime: early.filter((task) => task.end <= work.horizon).length / early.length,
        chat50: quantile(chat, 0.5),
        chat95: quantile(chat, 0.95),
      };
    });
    return [
      name,
      `${(100 * is.inTime).toFixed(0)} %`,
      `${figure(is.chat50)} / ${figure(is.chat95)}`,
    ];
  });
  console.log("interactive work alone at 106 % of one slot\n");
  table(["rule", "lower-band tasks done in time", "chat first token p50 / p95"], rows);
}

function estimateSection(): void {
  const rows: string[][] = [];
  for (const slots of [1, 4]) {
    for (const load of [0.7, 0.9, 1.1]) {
      for (const band of [0, 1, 2] as const) {
        const is = overSeeds((seed) => coverage({ seed, slots, load, band }));
        const share = (value: number) => `${(100 * value).toFixed(1)} %`;
        rows.push([
          `${slots} / ${load}`,
          ["interactive", "background", "batch"][band] ?? "",
          figure(is.made),
          `${share(is.start90)} / ${share(is.start50)}`,
          share(is.startOff),
          `${share(is.end90)} / ${share(is.end50)}`,
          share(is.endOff),
        ]);
      }
    }
  }
  console.log(
    "promises to trees that begin to wait: share kept of p90 / p50, median error of p50\n",
  );
  table(
    ["slots / load", "class", "promises", "start p90 / p50", "error", "end p90 / p50", "error"],
    rows,
  );
}

interface CoverageOf {
  readonly seed: number;
  readonly slots: number;
  readonly load: number;
  readonly band: 0 | 1 | 2;
}

function coverage({ seed, slots, load, band }: CoverageOf) {
  const work = sim.mixed({ seed, k: slots, load });
  const policy = new ProductRule(slots);
  sim.simulate({ ...work, k: slots, policy, predictor: sim.newPredictor(seed) });
  const made = policy.promises.filter(
    ({ task }) => task.cls === band && task.t > work.horizon * 0.1 && task.t <= work.horizon,
  );
  const of = (what: "start" | "end") => {
    const took = made.map(
      ({ call, task, at }) => (what === "start" ? (call.start ?? Number.NaN) : task.end) - at,
    );
    const within = (share: "p50" | "p90") =>
      made.filter((one, at) => (took[at] ?? 0) <= one[what][share]).length / made.length;
    const off = made.map((one, at) => Math.abs(one[what].p50 - (took[at] ?? 0)) / (took[at] ?? 1));
    return { p50: within("p50"), p90: within("p90"), off: quantile(off, 0.5) };
  };
  const [start, end] = [of("start"), of("end")];
  return {
    made: made.length,
    start90: start.p90,
    start50: start.p50,
    startOff: start.off,
    end90: end.p90,
    end50: end.p50,
    endOff: end.off,
  };
}

function isCounted(task: SimTask, horizon: number): boolean {
  return task.type === "chat" && task.t > 0.05 * horizon && task.t < horizon;
}

const all: Readonly<Record<string, () => void>> = {
  main: mainSection,
  flood: floodSection,
  fair: fairSection,
  starve: starveSection,
  estimates: estimateSection,
};
for (const section of sections.split(",")) all[section]?.();
