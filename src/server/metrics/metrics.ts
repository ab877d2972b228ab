import { asQueue, asQueueEvents, asTask, asTaskEvents } from "../../engine/erased-types.ts";
import type { Engine } from "../../engine/index.ts";
import { Counter, counter, gauge } from "./exposition.ts";
import { QueueMetrics } from "./queue-metrics.ts";
import { TaskMetrics } from "./task-metrics.ts";

/**
 * Numbers of one server since it started (SPEC HTTP9, METRIC1..). Labels are names out of the program and its
 * configuration, statuses and error codes, and the ids of the ten users served most: never a payload, never without a
 * limit.
 */
export class Metrics {
  readonly #engine: Engine;
  readonly #tasks = new TaskMetrics();
  readonly #queues: QueueMetrics;
  readonly #requests = new Counter({
    name: "errand_http_requests_total",
    help: "Requests answered, by operation and class of status.",
    labels: ["operation", "status"],
  });

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#queues = new QueueMetrics(() => engine.nowMs());
    engine.kernel.listen({
      committed: ({ scope, events, state, atMs }) => {
        if (scope.startsWith("task/")) this.#tasks.count(asTaskEvents(events), asTask(state));
        else if (scope.startsWith("queue/"))
          this.#queues.see(asQueueEvents(events), asQueue(state), atMs);
      },
    });
  }

  /** Counts an answered request of an operation. */
  answered(operation: string, status: number): void {
    this.#requests.add([operation, `${Math.floor(status / 100)}xx`]);
  }

  /** Everything as Prometheus text. `more` are numbers of the host, by metric name. */
  async text(
    { streams, sockets }: { readonly streams: number; readonly sockets: number },
    more: Readonly<Record<string, number>>,
  ): Promise<string> {
    const engine = this.#engine;
    return [
      this.#tasks.text(),
      this.#queues.text(await engine.reader.queues()),
      plain("errand_segments", "Handlers live in this process.", engine.segments),
      plain("errand_scope_cache_bytes", "Rough bytes of cached states.", engine.kernel.cacheBytes),
      plain("errand_task_feeds", "Tasks whose feed somebody follows.", engine.feeds.size),
      plain("errand_event_streams", "Event streams open.", streams),
      plain("errand_websockets", "WebSockets open.", sockets),
      this.#requests.text(),
      ...Object.entries(more).map(([name, value]) => plain(name, "Of the process.", value)),
    ].join("");
  }
}

/** One number without labels. By Prometheus' own custom, a name that ends in `_total` is a counter's. */
function plain(name: string, help: string, value: number): string {
  const samples = [{ labels: [], value }];
  return name.endsWith("_total")
    ? counter({ name, help }, samples)
    : gauge({ name, help }, samples);
}
