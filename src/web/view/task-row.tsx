import type { ReactNode } from "react";
import type { Task } from "../../client/index.ts";
import { explainTaskError } from "../../client/index.ts";
import { isEnd } from "../../core/task/status.ts";
import type { TaskWish } from "../state/page-state.ts";
import { taskTitle } from "../state/select-tasks.ts";
import {
  countsDown,
  shareOf,
  wordsOfProgress,
  wordsOfStatus,
  wordsOfWait,
} from "../words/task-words.ts";
import { agoWords, durationWords, momentWords } from "../words/time-words.ts";
import { Icon } from "./icon.tsx";
import type { IconName } from "./icon.tsx";
import { useControl, usePage } from "./page-context.ts";
import { useNow } from "./use-now.ts";

interface TaskRowProps {
  readonly task: Task;
  readonly depth: 0 | 1;
}

/** One task in the panel: what it is, where it stands, and the one thing to do about it. */
export function TaskRow({ task, depth }: TaskRowProps): ReactNode {
  const control = useControl();
  const { word, tone, icon } = wordsOfStatus(task);
  const title = taskTitle(task);
  return (
    <li className="task" data-depth={depth}>
      <button
        type="button"
        className="task-open"
        data-task={task.id}
        onClick={() => control.openTask(task.id)}
      >
        <span className="status-mark" data-tone={tone}>
          <Icon name={icon} />
        </span>
        <span className="task-title">{title}</span>
        <span className="task-words">
          <span className="status-word" data-tone={tone}>
            {word}
          </span>
          <TaskSays task={task} />
        </span>
      </button>
      <TaskAction task={task} title={title} />
      {!isEnd(task.status) && shareOf(task.progress) !== null && <ProgressBar task={task} />}
    </li>
  );
}

/** What there is to say beside the status: why it waits, how far it is, why it failed, when it ended. */
function TaskSays({ task }: { readonly task: Task }): ReactNode {
  const isActive = !isEnd(task.status);
  const counts = isActive && (countsDown(task.reason) || task.status === "running");
  const nowMs = useNow(counts ? 1_000 : 30_000);
  if (isActive && task.reason !== null) {
    const { progress, status } = task;
    const isAtWork = status === "running" && progress !== null;
    const words = `${isAtWork ? `${wordsOfProgress(progress)} · ` : ""}${wordsOfWait(task, nowMs)}`;
    return (
      <span className="task-says" title={words}>
        {words}
      </span>
    );
  }
  if (isActive && task.progress !== null) {
    return <span className="task-says">{wordsOfProgress(task.progress)}</span>;
  }
  if (task.status === "running" && task.startedAt !== null) {
    const forMs = nowMs - Date.parse(task.startedAt);
    return <span className="task-says">for {durationWords(forMs)}</span>;
  }
  if (task.error !== null && task.status !== "cancelled") {
    return <span className="task-says">{explainTaskError(task.error).what}</span>;
  }
  const atMs = Date.parse(task.completedAt ?? task.createdAt);
  return (
    <time className="task-says" title={momentWords(atMs)}>
      {agoWords(atMs, nowMs)}
    </time>
  );
}

/** How far a task is: a bar with its share, or one that moves when the share is not known. */
export function ProgressBar({ task }: { readonly task: Task }): ReactNode {
  const share = shareOf(task.progress);
  const words = task.progress === null ? "" : wordsOfProgress(task.progress);
  const label = words === "" ? "Progress" : `Progress: ${words}`;
  if (share === null) {
    return task.status === "running" ? <progress className="progress" aria-label={label} /> : null;
  }
  return <progress className="progress" aria-label={label} max={1} value={share} />;
}

/** The action that a row has room for. */
function mainAction(
  task: Task,
): { readonly wish: TaskWish; readonly word: string; readonly icon: IconName } | null {
  if (task.reason?.code === "held") return { wish: "release", word: "Let go", icon: "play" };
  if (!isEnd(task.status)) return { wish: "cancel", word: "Stop", icon: "stop" };
  return task.status === "completed" ? null : { wish: "retry", word: "Retry", icon: "retry" };
}

function TaskAction({ task, title }: { readonly task: Task; readonly title: string }): ReactNode {
  const control = useControl();
  const wished = usePage((state) => state.wishes[task.id]);
  const action = mainAction(task);
  if (action === null) return null;
  const isBusy = wished !== undefined;
  const word = isBusy && wished === "cancel" ? "Stopping" : action.word;
  return (
    <button
      type="button"
      className="icon-button task-action"
      disabled={isBusy}
      aria-label={`${word}: ${title}`}
      title={word}
      onClick={() => control.wish(task.id, action.wish)}
    >
      <Icon name={action.icon} />
    </button>
  );
}
