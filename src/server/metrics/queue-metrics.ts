import { latePromises } from "../../core/schedule/estimate.ts";
import type { QueueEvent } from "../../core/queue/events.ts";
import type { QueueState } from "../../core/queue/state.ts";
import type { Schedule } from "../../core/schedule/state.ts";
import type { ModelSpeedView, QueueView } from "../../engine/index.ts";
import { Counter, counter, gauge, Histogram, type Sample } from "./exposition.ts";
import { bandNames, QueueWatch } from "./queue-watch.ts";

/** Bounds of the relative error of estimates: 0.1 is a tenth too early or too late. */
const errorBounds = [0.05, 0.1, 0.25, 0.5, 0.75, 1, 2, 5, 10];

/** Measures all queues: waits, use of slots, fairness and estimates. */
export class QueueMetrics {
  readonly #nowMs: () => number;
  readonly #watched = new Map<string, { readonly watch: QueueWatch; state: QueueState }>();
  readonly #wait = new Histogram({
    name: "errand_queue_wait_seconds",
    help: "From a call's request to its slot; 0 for one that found a free slot.",
    labels: ["queue", "band"],
  });
  readonly #held = new Histogram({
    name: "errand_queue_held_seconds",
    help: "How long calls held their slot.",
    labels: ["queue"],
  });
  readonly #estimates = new Counter({
    name: "errand_estimates_total",
    help: "What came of estimates: within_p50, within_p90 (but not p50) or late.",
    labels: ["queue", "what", "outcome"],
  });
  readonly #error = new Histogram(
    {
      name: "errand_estimate_error_ratio",
      help: "How far estimates were off, as a share of their p50.",
      labels: ["queue", "what"],
    },
    errorBounds,
  );

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Facts of one commit of a queue. */
  see(events: readonly QueueEvent[], state: QueueState, atMs: number): void {
    let known = this.#watched.get(state.name);
    if (known === undefined) {
      const counts = {
        wait: this.#wait,
        held: this.#held,
        estimates: this.#estimates,
        error: this.#error,
      };
      known = { watch: new QueueWatch(state.name, counts, atMs), state };
      this.#watched.set(state.name, known);
    }
    known.state = state;
    known.watch.see(events, state.schedule, atMs);
  }

  /** Everything as Prometheus text. */
  text(queues: readonly QueueView[]): string {
    return [this.#load(queues), this.#measured(), this.#fairness()].join("");
  }

  #load(queues: readonly QueueView[]): string {
    const perQueue = (value: (queue: QueueView) => number): Sample[] =>
      queues.map((queue) => ({ labels: [queue.name], value: value(queue) }));
    const pending = queues.flatMap(({ name, perBand }) =>
      bandNames.map((band, at) => ({ labels: [name, band], value: perBand[at] ?? 0 })),
    );
    const labels = ["queue"];
    return [
      gauge(
        {
          name: "errand_queue_pending",
          help: "Calls that wait for a slot.",
          labels: ["queue", "band"],
        },
        pending,
      ),
      gauge(
        { name: "errand_queue_running", help: "Calls that hold a slot.", labels },
        perQueue(({ running }) => running),
      ),
      gauge(
        {
          name: "errand_queue_slots_taken",
          help: "Slots that running calls hold; a call may hold several.",
          labels,
        },
        perQueue(({ taken }) => taken),
      ),
      gauge(
        { name: "errand_queue_slots", help: "Slots of the queue.", labels },
        perQueue(({ slots }) => slots),
      ),
      gauge(
        { name: "errand_queue_paused", help: "1 while the queue is paused.", labels },
        perQueue(({ paused }) => (paused ? 1 : 0)),
      ),
      gauge(
        {
          name: "errand_queue_closed",
          help: "1 while a rate, a 429 or an endpoint that is down holds the queue back.",
          labels,
        },
        perQueue(({ closed }) => (closed === null ? 0 : 1)),
      ),
      counter(
        {
          name: "errand_queue_cuts_total",
          help: "Calls that made room for a quick question, since the queue was made.",
          labels,
        },
        perQueue(({ cuts }) => cuts.count),
      ),
      counter(
        {
          name: "errand_queue_cut_tokens_total",
          help: "Tokens that had to be read again because a call was cut, since the queue was made.",
          labels,
        },
        perQueue(({ cuts }) => cuts.tokens),
      ),
      gauge(
        {
          name: "errand_model_tokens_per_second",
          help: "How fast a model reads prompts (prefill) and writes answers (decode), as learnt.",
          labels: ["queue", "model", "phase"],
        },
        queues.flatMap(({ name, models }) => models.flatMap((model) => speedSamples(name, model))),
      ),
    ].join("");
  }

  #measured(): string {
    const nowMs = this.#nowMs();
    const busy = Array.from(this.#watched, ([name, { watch }]) => ({
      labels: [name],
      value: watch.busySeconds(nowMs),
    }));
    const late = Array.from(this.#watched, ([name, { state }]) => ({
      labels: [name],
      value: latePromises(state.schedule, nowMs),
    }));
    const labels = ["queue"];
    return [
      counter(
        {
          name: "errand_queue_busy_slot_seconds_total",
          help: "Slot-seconds used; its rate by the slots is the use of the queue.",
          labels,
        },
        busy,
      ),
      this.#wait.text(),
      this.#held.text(),
      gauge(
        {
          name: "errand_promises_late",
          help: "Tasks that wait longer than nine in ten were promised to.",
          labels,
        },
        late,
      ),
      this.#estimates.text(),
      this.#error.text(),
    ].join("");
  }

  #fairness(): string {
    const nowMs = this.#nowMs();
    const service: Sample[] = [];
    const gap: Sample[] = [];
    for (const [name, { watch, state }] of this.#watched) {
      for (const { user, seconds } of watch.recent.top(nowMs))
        service.push({ labels: [name, user], value: seconds });
      for (const band of bandNames.keys())
        gap.push({ labels: [name, bandNames[band] ?? ""], value: gapOf(state.schedule, band) });
    }
    return [
      gauge(
        {
          name: "errand_queue_user_service_seconds",
          help: "Slot-seconds in the last 5 to 10 minutes, of the ten users served most and of the rest.",
          labels: ["queue", "user"],
        },
        service,
      ),
      gauge(
        {
          name: "errand_queue_service_gap_seconds",
          help: "Between the user served most and least (slot-seconds per weight) of those that wait.",
          labels: ["queue", "band"],
        },
        gap,
      ),
    ].join("");
  }
}

function speedSamples(queue: string, speed: ModelSpeedView): Sample[] {
  const phases = [
    ["prefill", speed.promptTokensPerSecond],
    ["decode", speed.decodeTokensPerSecond],
  ] as const;
  return phases.flatMap(([phase, value]) =>
    value === null ? [] : [{ labels: [queue, speed.model, phase], value }],
  );
}

/** Spread of the service clocks of the keys that have waiting calls. O(keys). */
function gapOf(schedule: Schedule, at: number): number {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const { served, lanes } of schedule.bands[at]?.accounts.values() ?? []) {
    if (lanes.length === 0) continue;
    if (served < least) least = served;
    if (served > most) most = served;
  }
  return most > least ? most - least : 0;
}
