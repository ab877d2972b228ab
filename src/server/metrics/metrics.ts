import { isEnd } from "../../core/task/status.ts";
import type { TaskEvent } from "../../core/task/events.ts";
import type { TaskState } from "../../core/task/state.ts";
import type { Engine } from "../../engine/index.ts";
import { counter, gauge, type Sample } from "./exposition.ts";

/** Counters of one server since it started. Labels are task types, statuses and names of operations: never data. */
export class Metrics {
  readonly #engine: Engine;
  readonly #accepted = new Map<string, number>();
  readonly #ended = new Map<string, number>();
  readonly #attempts = new Map<string, number>();
  readonly #requests = new Map<string, number>();

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.watchTasks((facts, state) => this.#count(facts, state));
  }

  /** Counts an answered request of an operation. */
  answered(operation: string, status: number): void {
    add(this.#requests, labels({ operation, status: `${Math.floor(status / 100)}xx` }));
  }

  /** Everything as Prometheus text. `more` are numbers of the host, by metric name. */
  async text(
    { streams, sockets }: { readonly streams: number; readonly sockets: number },
    more: Readonly<Record<string, number>>,
  ): Promise<string> {
    const queues = await this.#engine.reader.queues();
    const perQueue = (value: (queue: (typeof queues)[number]) => number): Sample[] =>
      queues.map((queue) => ({ labels: labels({ queue: queue.name }), value: value(queue) }));
    const bands = ["interactive", "background", "batch"] as const;
    const pending = queues.flatMap(({ name, perBand }) =>
      bands.map((band, at) => ({ labels: labels({ queue: name, band }), value: perBand[at] ?? 0 })),
    );
    return [
      counter(
        "errand_tasks_accepted_total",
        "Tasks accepted since the start, by type.",
        this.#accepted,
      ),
      counter(
        "errand_task_attempts_total",
        "Attempts started since the start, by type.",
        this.#attempts,
      ),
      counter(
        "errand_tasks_ended_total",
        "Tasks ended since the start, by type and status.",
        this.#ended,
      ),
      gauge("errand_queue_pending", "Calls that wait for a slot.", pending),
      gauge(
        "errand_queue_running",
        "Calls that hold a slot.",
        perQueue(({ running }) => running),
      ),
      gauge(
        "errand_queue_slots",
        "Slots of the queue.",
        perQueue(({ slots }) => slots),
      ),
      gauge(
        "errand_queue_paused",
        "1 while the queue grants nothing.",
        perQueue(({ paused }) => (paused ? 1 : 0)),
      ),
      gauge("errand_segments", "Handlers live in this process.", [
        { labels: "", value: this.#engine.segments },
      ]),
      gauge("errand_scope_cache_bytes", "Rough bytes of cached states.", [
        { labels: "", value: this.#engine.kernel.cacheBytes },
      ]),
      gauge("errand_task_feeds", "Tasks whose feed somebody follows.", [
        { labels: "", value: this.#engine.feeds.size },
      ]),
      gauge("errand_event_streams", "Event streams open.", [{ labels: "", value: streams }]),
      gauge("errand_websockets", "WebSockets open.", [{ labels: "", value: sockets }]),
      counter(
        "errand_http_requests_total",
        "Requests answered, by operation and class of status.",
        this.#requests,
      ),
      ...Object.entries(more).map(([name, value]) => ofProcess(name, value)),
    ].join("");
  }

  #count(events: readonly TaskEvent[], state: TaskState): void {
    const type = state.spec?.type;
    if (type === undefined) return;
    for (const event of events) {
      if (event.type === "task.accepted") add(this.#accepted, labels({ type }));
      else if (event.type === "task.started") add(this.#attempts, labels({ type }));
      else if (ends.has(event.type) && isEnd(state.status))
        add(this.#ended, labels({ type, status: state.status }));
    }
  }
}

const ends: ReadonlySet<TaskEvent["type"]> = new Set([
  "task.completed",
  "task.failed",
  "task.cancelled",
  "task.expired",
]);

/** By Prometheus' own custom, a name that ends in `_total` is a counter's. */
function ofProcess(name: string, value: number): string {
  if (name.endsWith("_total")) return counter(name, "Of the process.", new Map([["", value]]));
  return gauge(name, "Of the process.", [{ labels: "", value }]);
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function labels(pairs: Readonly<Record<string, string>>): string {
  const inner = Object.entries(pairs).map(
    ([name, value]) => `${name}="${value.replaceAll(/[\\"\n]/g, "_")}"`,
  );
  return `{${inner.join(",")}}`;
}
