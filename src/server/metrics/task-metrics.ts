import type { TaskEvent } from "../../core/task/events.ts";
import type { TaskState } from "../../core/task/state.ts";
import { isEnd } from "../../core/task/status.ts";
import { isDeadLetter } from "../../core/task/dead-letter.ts";
import { Counter, Histogram } from "./exposition.ts";

/** Counts what becomes of tasks and their model calls. Labels are task types, statuses, queues and error codes. */
export class TaskMetrics {
  readonly #accepted = new Counter({
    name: "errand_tasks_accepted_total",
    help: "Tasks accepted.",
    labels: ["type"],
  });
  readonly #attempts = new Counter({
    name: "errand_task_attempts_total",
    help: "Attempts started.",
    labels: ["type"],
  });
  readonly #ended = new Counter({
    name: "errand_tasks_ended_total",
    help: "Tasks ended.",
    labels: ["type", "status"],
  });
  readonly #duration = new Histogram({
    name: "errand_task_duration_seconds",
    help: "From accepted (or opened again) to the end, waits included.",
    labels: ["type", "status"],
  });
  readonly #retries = new Counter({
    name: "errand_task_retries_total",
    help: "Failed attempts that are tried again.",
    labels: ["type"],
  });
  readonly #losses = new Counter({
    name: "errand_task_losses_total",
    help: "Attempts whose worker died.",
    labels: ["type"],
  });
  readonly #dead = new Counter({
    name: "errand_dead_letters_total",
    help: "Tasks that failed because their attempts were used up.",
    labels: ["type"],
  });
  readonly #calls = new Counter({
    name: "errand_model_calls_total",
    help: "Model calls by how a try ended: ok, or the code of its error.",
    labels: ["queue", "outcome"],
  });
  readonly #callRetries = new Counter({
    name: "errand_model_call_retries_total",
    help: "Failed tries of model calls that are made again.",
    labels: ["queue"],
  });
  readonly #tokens = new Counter({
    name: "errand_model_tokens_total",
    help: "Tokens that endpoints have counted.",
    labels: ["queue", "kind"],
  });

  /** Counts the facts of one commit of a task. */
  count(events: readonly TaskEvent[], state: TaskState): void {
    const type = state.spec?.type;
    if (type === undefined) return;
    for (const event of events) {
      switch (event.type) {
        case "task.accepted":
          this.#accepted.add([type]);
          break;
        case "task.started":
          this.#attempts.add([type]);
          break;
        case "task.retrying":
          this.#retries.add([type]);
          break;
        case "task.lost":
          if (event.graceful !== true) this.#losses.add([type]);
          break;
        case "call.completed":
        case "call.failed":
          this.#call(event, state);
          break;
        case "task.completed":
        case "task.failed":
        case "task.cancelled":
        case "task.expired":
          this.#end(type, state);
          break;
        default:
      }
    }
  }

  /** Everything as Prometheus text. */
  text(): string {
    const all = [
      this.#accepted,
      this.#attempts,
      this.#ended,
      this.#duration,
      this.#retries,
      this.#losses,
      this.#dead,
      this.#calls,
      this.#callRetries,
      this.#tokens,
    ];
    return all.map((metric) => metric.text()).join("");
  }

  #end(type: string, state: TaskState): void {
    // Opened again in the same commit: it has not ended for anybody who looks.
    if (!isEnd(state.status)) return;
    this.#ended.add([type, state.status]);
    const seconds = ((state.endedAtMs ?? state.openedAtMs) - state.openedAtMs) / 1_000;
    this.#duration.observe([type, state.status], seconds > 0 ? seconds : 0);
    if (isDeadLetter(state)) this.#dead.add([type]);
  }

  #call(
    event: Extract<TaskEvent, { type: "call.completed" | "call.failed" }>,
    state: TaskState,
  ): void {
    const operation = state.operations.get(event.op);
    if (operation?.kind !== "call") return;
    const { queue } = operation;
    if (event.type === "call.failed") {
      this.#calls.add([queue, event.error.code]);
      if (event.untilMs !== undefined) this.#callRetries.add([queue]);
      return;
    }
    this.#calls.add([queue, "ok"]);
    const { usage } = event.result;
    if (usage === undefined) return;
    this.#tokens.add([queue, "prompt"], usage.inputTokens);
    this.#tokens.add([queue, "answer"], usage.outputTokens);
  }
}
