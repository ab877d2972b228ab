/** Numbers for Prometheus, read as Prometheus reads them. */
import { readFileSync } from "node:fs";

import { afterEach, expect, test } from "vitest";

import { Counter, Histogram, seriesMax } from "../../../src/server/metrics/exposition.ts";
import { RecentService } from "../../../src/server/metrics/recent-service.ts";
import { defineTask, FatalError } from "../../../src/engine/index.ts";
import { openDoor, until, type Door } from "./door.ts";
import { parseExposition, type ParsedFamily } from "./exposition-parser.ts";
import { pacedModels } from "./paced-models.ts";

const doors: Door[] = [];
afterEach(async () => {
  await Promise.all(doors.splice(0).map((door) => door.close()));
});

async function opened(options: Parameters<typeof openDoor>[0] = {}): Promise<Door> {
  const door = await openDoor(options);
  doors.push(door);
  return door;
}

async function metricsOf(door: Door): Promise<ReadonlyMap<string, ParsedFamily>> {
  return parseExposition(await (await door.send("GET", "/metrics")).text());
}

function valueOf(
  families: ReadonlyMap<string, ParsedFamily>,
  line: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const family = families.get(line) ?? families.get(line.replace(/_(bucket|sum|count)$/, ""));
  return family?.samples.find(
    (sample) =>
      sample.name === line &&
      Object.entries(labels).every(([name, value]) => sample.labels[name] === value),
  )?.value;
}

const ended = ({ status }: Readonly<Record<string, unknown>>): boolean =>
  status === "completed" || status === "failed";

test("[METRIC1] tasks are counted by type and end, with how long they took, retries and dead letters", async () => {
  const flaky = defineTask("flaky", { retry: { attemptsMax: 2, minDelayMs: 0, jitter: 0 } }, () => {
    throw new Error("again");
  });
  const wrong = defineTask("wrong", {}, () => {
    throw new FatalError("for good");
  });
  const door = await opened({ tasks: [flaky, wrong] });
  for (const type of ["flaky", "wrong", "echo"])
    await until(door, await door.submit(type, 1), ended);
  const found = await metricsOf(door);
  expect(valueOf(found, "errand_tasks_accepted_total", { type: "flaky" })).toBe(1);
  expect(valueOf(found, "errand_task_attempts_total", { type: "flaky" })).toBe(2);
  expect(valueOf(found, "errand_task_retries_total", { type: "flaky" })).toBe(1);
  expect(valueOf(found, "errand_dead_letters_total", { type: "flaky" })).toBe(1);
  expect(valueOf(found, "errand_dead_letters_total", { type: "wrong" })).toBeUndefined();
  const failed = { type: "flaky", status: "failed" };
  expect(valueOf(found, "errand_tasks_ended_total", failed)).toBe(1);
  expect(valueOf(found, "errand_task_duration_seconds_count", failed)).toBe(1);
  expect(valueOf(found, "errand_task_duration_seconds_bucket", { ...failed, le: "+Inf" })).toBe(1);
});

test("[METRIC2] a queue tells its depth, waits, use of slots and fairness", async () => {
  const door = await opened({ queues: { steered: { slots: 1 } } });
  const first = await door.submit("script", { acts: [{ gate: "a" }] });
  const second = await door.submit(
    "script",
    { acts: [{ gate: "b" }] },
    { priority: "interactive" },
  );
  const busy = await metricsOf(door);
  const queue = "steered";
  expect(valueOf(busy, "errand_queue_pending", { queue, band: "interactive" })).toBe(1);
  expect(valueOf(busy, "errand_queue_running", { queue })).toBe(1);
  expect(valueOf(busy, "errand_queue_wait_seconds_count", { queue, band: "background" })).toBe(1);
  expect(valueOf(busy, "errand_queue_wait_seconds_sum", { queue, band: "background" })).toBe(0);
  door.steer.open("a");
  await until(door, first, ended);
  door.steer.open("b");
  await until(door, second, ended);
  const after = await metricsOf(door);
  expect(valueOf(after, "errand_queue_wait_seconds_count", { queue, band: "interactive" })).toBe(1);
  expect(
    valueOf(after, "errand_queue_wait_seconds_sum", { queue, band: "interactive" }),
  ).toBeGreaterThan(0);
  expect(valueOf(after, "errand_queue_held_seconds_count", { queue })).toBe(2);
  const held = valueOf(after, "errand_queue_held_seconds_sum", { queue }) ?? 0;
  expect(valueOf(after, "errand_queue_busy_slot_seconds_total", { queue })).toBeCloseTo(held, 6);
  expect(valueOf(after, "errand_queue_user_service_seconds", { queue, user: "local" })).toBeCloseTo(
    held,
    6,
  );
  expect(valueOf(after, "errand_queue_service_gap_seconds", { queue, band: "batch" })).toBe(0);
});

test("[METRIC3] model calls are counted by their outcome, and estimates by what came of them", async () => {
  const models = pacedModels();
  const door = await opened({ models });
  await door.engine.changeQueue("model:fake", { slots: 1 });
  const ask = (prompt: string): Promise<string> => door.submit("generate", { prompt });
  const first = await ask("one");
  await until(door, first, ({ status }) => status === "running");
  const second = await ask("two");
  await until(door, second, ({ status }) => status === "waiting");
  models.failNext(1, "rejected", "not that");
  await models.say("hello", { type: "usage", inputTokens: 7, outputTokens: 3 });
  await models.finish();
  await until(door, first, ended);
  await until(door, second, ended);
  const found = await metricsOf(door);
  const queue = "model:fake";
  expect(valueOf(found, "errand_model_calls_total", { queue, outcome: "ok" })).toBe(1);
  expect(valueOf(found, "errand_model_calls_total", { queue, outcome: "model_rejected" })).toBe(1);
  expect(valueOf(found, "errand_model_tokens_total", { queue, kind: "prompt" })).toBe(7);
  expect(valueOf(found, "errand_model_tokens_total", { queue, kind: "answer" })).toBe(3);
  const outcomes = (found.get("errand_estimates_total")?.samples ?? []).filter(
    ({ labels }) => labels["what"] === "start",
  );
  expect(outcomes.map(({ value }) => value)).toEqual([1]);
  expect(valueOf(found, "errand_estimate_error_ratio_count", { queue, what: "start" })).toBe(1);
  expect(valueOf(found, "errand_promises_late", { queue })).toBe(0);
});

test("[METRIC4] no label grows without limit, and odd values are escaped", () => {
  const counter = new Counter({ name: "a_total", help: "A.", labels: ["type", "status"] });
  for (let index = 0; index < 3 * seriesMax; index += 1) counter.add([`t${index}`, "x"]);
  const { samples } = parseExposition(counter.text()).get("a_total") ?? { samples: [] };
  expect(samples.length).toBe(seriesMax + 1);
  expect(samples.reduce((sum, { value }) => sum + value, 0)).toBe(3 * seriesMax);
  expect(samples.at(-1)?.labels).toEqual({ type: "other", status: "other" });

  const odd = new Histogram({ name: "b", help: "B.", labels: ["q"] }, [1, 2]);
  odd.observe(['a"b\\c\nd'], 1.5, 3);
  const parsed = parseExposition(odd.text()).get("b")?.samples ?? [];
  expect(parsed.map(({ labels, value }) => [labels["q"], labels["le"], value])).toEqual([
    ['a"b\\c\nd', "1", 0],
    ['a"b\\c\nd', "2", 3],
    ['a"b\\c\nd', "+Inf", 3],
    ['a"b\\c\nd', undefined, 4.5],
    ['a"b\\c\nd', undefined, 3],
  ]);
});

test("[METRIC4] service is told of ten users, and of the rest as one", () => {
  const recent = new RecentService();
  for (let user = 0; user < 3_000; user += 1) recent.add(`u${user}`, user < 12 ? 10 : 1, 1_000);
  const told = recent.top(1_000);
  expect(told.length).toBe(11);
  expect(told.at(-1)).toEqual({ user: "(other)", seconds: 2 * 10 + 2_988 });
  expect(recent.top(301_000).length).toBe(11);
  expect(recent.top(1_000_000)).toEqual([]);
});

test("[METRIC5] every metric is described in docs/metrics.md, and nothing else is", async () => {
  const door = await opened({
    settings: { process: () => ({ process_uptime_seconds: 1, process_cpu_seconds_total: 1 }) },
  });
  const told = [...(await metricsOf(door)).keys()].filter((name) => name.startsWith("errand_"));
  const page = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");
  const described = Array.from(page.matchAll(/^\| `(errand_\w+)/gm), ([, name]) => name);
  expect(new Set(described)).toEqual(new Set(told));
});
