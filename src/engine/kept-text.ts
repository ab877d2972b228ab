import { sessionScope } from "../core/scope.ts";
import type { SessionCommand } from "../core/session/decider.ts";
import { streamId, textOf } from "../core/stream/entry.ts";
import type { TaskState } from "../core/task/state.ts";
import { isEnd } from "../core/task/status.ts";
import type { Log } from "../ports/host.ts";
import { asTask } from "./erased-types.ts";
import type { Kernel } from "./kernel/kernel.ts";

/** Stored rows of a stream that are read for its text: all of them. */
const rowsAll = 1_000_000;

/**
 * Keeps in the session what a stopped or failed turn had said: its reader has seen it, and the task with its stream
 * goes after the retention while the session stays (SPEC SESSION11). Done after the end; a crash in between leaves the
 * text with the task only.
 */
export function keepTextOfTurns(kernel: Kernel, log: Log): void {
  kernel.listen({
    committed({ scope, state }) {
      if (!scope.startsWith("task/")) return;
      const task = asTask(state);
      if (!isEnd(task.status) || task.status === "completed" || task.attempt === 0) return;
      if (task.spec?.sessionId === undefined || task.spec.messageId === undefined) return;
      keep(kernel, task, task.spec.userId, task.spec.sessionId, task.spec.messageId).catch(
        (error: unknown) =>
          log.error("what a turn had said stays with its task only", error, { task: task.id }),
      );
    },
  });
}

async function keep(
  kernel: Kernel,
  task: TaskState,
  userId: string,
  sessionId: string,
  messageId: string,
): Promise<void> {
  const stream = streamId(task.id, task.attempt);
  // A stream that is still open gets its last entries when it is closed.
  const open = kernel.streamOf(task.id);
  if (open?.id === stream) await kernel.close(open);
  const text = textOf(await kernel.readStream(stream, 0, rowsAll));
  const command: SessionCommand = { type: "keep", messageId, text };
  if (text !== "") await kernel.ask(sessionScope(userId, sessionId), command);
}
