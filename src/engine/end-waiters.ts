import { asTask } from "./erased-types.ts";
import { ErrandError, type ErrorData } from "../core/errors.ts";
import type { Priority } from "../core/queue/protocol.ts";
import { taskScope } from "../core/scope.ts";
import type { TaskState } from "../core/task/state.ts";
import { isEnd, type TaskStatus } from "../core/task/status.ts";
import type { Kernel } from "./kernel/kernel.ts";

/** How a task ended. */
export interface TaskEnd {
  readonly status: TaskStatus;
  readonly output: unknown;
  readonly error: ErrorData | null;
  readonly createdAtMs: number;
  /** The priority it had at its end. */
  readonly priority: Priority;
}

function endOf({ status, output, error, createdAtMs, spec }: TaskState): TaskEnd {
  return { status, output, error, createdAtMs, priority: spec?.priority ?? "background" };
}

interface Waiter {
  readonly resolve: (end: TaskEnd) => void;
  readonly reject: (error: ErrandError) => void;
}

/** Callers that wait for a task's end in this process. */
export class EndWaiters {
  readonly #kernel: Kernel;
  readonly #waiters = new Map<string, Set<Waiter>>();
  #isStopped = false;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    kernel.listen({
      committed: ({ scope, state }) => {
        if (this.#waiters.size === 0 || !scope.startsWith("task/")) return;
        const task = asTask(state);
        if (!isEnd(task.status)) return;
        const waiters = this.#waiters.get(task.id);
        if (waiters === undefined) return;
        this.#waiters.delete(task.id);
        for (const waiter of waiters) waiter.resolve(endOf(task));
      },
    });
  }

  /**
   * The end of a task that is about to be submitted: called first, so that no end can be missed. Whoever expects an
   * end forgets it in the end, also if the task was refused. Rejects with `unavailable` once this process has stopped.
   */
  expect(taskId: string): { readonly ended: Promise<TaskEnd>; forget(): void } {
    const { promise: ended, resolve, reject } = Promise.withResolvers<TaskEnd>();
    // A stop may come while the submit is on its way, before anybody waits; who waits is told all the same.
    ended.catch(() => undefined);
    if (this.#isStopped) reject(stopped());
    const waiter: Waiter = { resolve, reject };
    const waiters = this.#waiters.get(taskId) ?? new Set();
    this.#waiters.set(taskId, waiters.add(waiter));
    const forget = (): void => {
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiters.get(taskId) === waiters) this.#waiters.delete(taskId);
    };
    return { ended, forget };
  }

  /** Rejects all that wait, and all that come: this process will see no end any more. The tasks go on in the next one. */
  stop(): void {
    this.#isStopped = true;
    const waiting = [...this.#waiters.values()].flatMap((waiters) => [...waiters]);
    this.#waiters.clear();
    for (const { reject } of waiting) reject(stopped());
  }

  /** The end of a task that exists. Resolves at once if it has ended. */
  async of(taskId: string): Promise<TaskEnd> {
    const coming = this.expect(taskId);
    try {
      const now = await this.#kernel.read(taskScope(taskId), (state) => {
        const task = asTask(state);
        return isEnd(task.status) ? endOf(task) : null;
      });
      return now ?? (await coming.ended);
    } finally {
      coming.forget();
    }
  }
}

function stopped(): ErrandError {
  return new ErrandError(
    "unavailable",
    "this process has stopped before the task ended; the task goes on in the next one",
  );
}
