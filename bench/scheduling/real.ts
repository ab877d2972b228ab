import { forkFakeModel } from "../fake-model-process.ts";
import { ProductRule } from "./product-rule.ts";
import { startRealServer, type RealTask } from "./real-server.ts";
import { loadSimulator, type SimTask, type Workload } from "./simulator.ts";

/*
 * The same tasks twice: in the simulator with the product's queue, and through the whole engine in front of the fake
 * model over HTTP, with a clock that runs faster. What differs is what the simulator leaves out: commits, sockets, timers.
 *
 *     SCHEDULING_SIM=<folder> node bench/scheduling/real.ts [seed] [hours] [times as fast]
 *
 * One slot, because the fake model does not slow down with the calls beside each other. Load 0.9.
 */

const [seed = "301", hours = "1", speed = "40"] = process.argv.slice(2);
const folder = process.env["SCHEDULING_SIM"];
if (folder === undefined) throw new Error("SCHEDULING_SIM names no folder");
const sim = await loadSimulator(folder);
const scale = Number(speed);
const horizon = Number(hours) * 3_600;

/** The first hours of a seed's tasks; fresh objects, because a run leaves its marks on them. */
function workload(): Workload & { readonly tasks: readonly SimTask[] } {
  const { tasks } = sim.mixed({ seed: Number(seed), k: 1, load: 0.9 });
  return { tasks: tasks.filter(({ t }) => t <= horizon), horizon };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

const priorities = ["interactive", "background", "batch"] as const;

function simulated(): readonly number[] {
  const policy = new ProductRule(1);
  const result = sim.simulate({
    ...workload(),
    k: 1,
    policy,
    predictor: sim.newPredictor(Number(seed)),
  });
  return result.all.filter(({ type }) => type === "chat").map((task) => task.first - task.t);
}

async function real(): Promise<{ first: readonly number[]; ended: number; cuts: number }> {
  const { tasks } = workload();
  const calls = tasks.flatMap(({ stages }) => stages.flatMap((stage) => stage.calls));
  const model = await forkFakeModel({ slots: 1 });
  const server = await startRealServer({
    baseUrl: model.baseUrl,
    scale,
    slots: 1,
    types: [...new Set(tasks.map(({ type }) => type))],
    roles: [...new Set(calls.map((call) => call.type))],
  });
  const { engine } = server;
  const due = new Map<string, number>();
  const first: number[] = [];
  engine.kernel.listen({
    entries({ stream, entries }) {
      const id = stream.slice(0, stream.lastIndexOf("/"));
      const from = due.get(id);
      if (from === undefined || !entries.some(({ t }) => t === "text")) return;
      due.delete(id);
      first.push(server.seconds() - from);
    },
  });
  const ends = await Promise.all(tasks.map((task) => play(task)));
  const { cuts } = await engine.reader.queue("model:real");
  await server.stop();
  await model.stop();
  return {
    first,
    ended: ends.filter((status) => status === "completed").length,
    cuts: cuts.count,
  };

  async function play(task: SimTask): Promise<string> {
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(0, (1_000 * (task.t - server.seconds())) / scale)),
    );
    const input: RealTask = {
      stages: task.stages.map((stage) => ({
        gap: stage.gap ?? 0,
        calls: stage.calls.map(({ type, in: tokens, out }) => ({ type, in: tokens, out })),
      })),
    };
    const { taskId } = await engine.submit(task.type, input, {
      userId: `u${task.user}`,
      priority: priorities[task.cls],
    });
    if (task.type === "chat") due.set(taskId, task.t);
    return (await engine.ended(taskId)).status;
  }
}

const expected = simulated();
const { tasks } = workload();
console.log(`seed ${seed}, ${hours} h of ${tasks.length} tasks, ${scale} times as fast`);
const got = await real();
for (const share of [0.5, 0.95]) {
  const [a, b] = [quantile(expected, share), quantile(got.first, share)];
  console.log(
    `chat's first token p${100 * share}: simulator ${a.toFixed(2)} s, server ${b.toFixed(2)} s (${(b / a).toFixed(2)})`,
  );
}
console.log(`${got.ended} of ${tasks.length} tasks completed, ${got.cuts} calls cut`);
