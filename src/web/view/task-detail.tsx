import { useEffect, useRef } from "react";
import type { ReactNode, RefObject } from "react";
import { explainTaskError, inOneLine } from "../../client/index.ts";
import type { Task } from "../../client/index.ts";
import { isEnd } from "../../core/task/status.ts";
import type { DetailState, TaskWish } from "../state/page-state.ts";
import { taskTitle } from "../state/select-tasks.ts";
import { wordsOfProgress, wordsOfStatus, wordsOfWait } from "../words/task-words.ts";
import { durationWords, momentWords } from "../words/time-words.ts";
import { Icon } from "./icon.tsx";
import type { IconName } from "./icon.tsx";
import { JsonBlock } from "./json-block.tsx";
import { LoadFailed } from "./load-failed.tsx";
import { useControl, usePage } from "./page-context.ts";
import { TaskLog } from "./task-log.tsx";
import { ProgressBar } from "./task-row.tsx";
import { useNow } from "./use-now.ts";

/** One task in full: where it stands and why, its input and output, its attempts, its log. */
export function TaskDetail({ taskId }: { readonly taskId: string }): ReactNode {
  const control = useControl();
  const task = usePage((state) => state.tasks[taskId]);
  const detail = usePage((state) => state.detail);
  const takesFocus = usePage((state) => state.detail?.takesFocus === true);
  const back = useFocusReturn(taskId, takesFocus);
  return (
    <>
      <div className="panel-head detail-head">
        <button
          type="button"
          ref={back}
          className="icon-button"
          aria-label="Back to the list"
          title="Back to the list"
          onClick={() => control.openTask(null)}
        >
          <Icon name="back" />
        </button>
        <h2>{task === undefined ? "Task" : taskTitle(task)}</h2>
      </div>
      <div className="panel-body detail">
        {detail !== null && (
          <LoadFailed load={detail.load} onAgain={() => void control.tasks.loadDetail(taskId)} />
        )}
        {task !== undefined && <Facts task={task} detail={detail} />}
      </div>
    </>
  );
}

/** Takes the focus when the details open, and gives it back to the task's row when they close. */
function useFocusReturn(taskId: string, takesFocus: boolean): RefObject<HTMLButtonElement | null> {
  const back = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (takesFocus) back.current?.focus();
    return () => {
      // Once the list is there again, and only if the focus was in the details that are gone.
      requestAnimationFrame(() => {
        if (document.activeElement !== document.body) return;
        document.querySelector<HTMLElement>(`[data-task="${CSS.escape(taskId)}"]`)?.focus();
      });
    };
  }, [taskId, takesFocus]);
  return back;
}

interface FactsProps {
  readonly task: Task;
  readonly detail: DetailState | null;
}

function Facts({ task, detail }: FactsProps): ReactNode {
  return (
    <>
      <StatusBlock task={task} detail={detail} />
      <Actions task={task} />
      <dl className="facts">
        <Fact name="Type">{task.type}</Fact>
        <Fact name="Priority">{task.priority}</Fact>
        {task.queue !== null && <Fact name="Queue">{task.queue}</Fact>}
        <Fact name="Attempts">{task.attempts}</Fact>
        <Moment name="Made" at={task.createdAt} />
        {task.startedAt !== null && <Moment name="Started" at={task.startedAt} />}
        {task.completedAt !== null && <Moment name="Ended" at={task.completedAt} />}
        <Fact name="Id">
          <code>{task.id}</code>
        </Fact>
      </dl>
      <LiveText task={task} />
      {task.input !== undefined && task.input !== null && (
        <JsonBlock title="Input" value={task.input} />
      )}
      {task.output !== null && <JsonBlock title="Output" value={task.output} />}
      <Subtasks task={task} />
      <Ledger taskId={task.id} />
      {detail !== null && <TaskLog detail={detail} />}
    </>
  );
}

function StatusBlock({ task, detail }: FactsProps): ReactNode {
  const nowMs = useNow(isEnd(task.status) ? 30_000 : 1_000);
  const { word, tone, icon } = wordsOfStatus(task);
  const why = detail?.why ?? null;
  return (
    <section className="status-block" data-tone={tone} aria-label="Status">
      <p className="status-line">
        <span className="status-mark" data-tone={tone}>
          <Icon name={icon} />
        </span>
        <strong>{word}</strong>
        {task.reason !== null && <span>{wordsOfWait(task, nowMs)}</span>}
      </p>
      {!isEnd(task.status) && <ProgressBar task={task} />}
      {task.status === "running" && task.startedAt !== null && (
        <p className="quiet">
          for {durationWords(nowMs - Date.parse(task.startedAt))}
          {task.progress !== null && ` · ${wordsOfProgress(task.progress)}`}
        </p>
      )}
      {!isEnd(task.status) && task.reason !== null && why !== null && <p>{why.message}</p>}
      {task.error !== null && task.status !== "cancelled" && (
        <>
          <p>{inOneLine(explainTaskError(task.error))}</p>
          {task.error.message !== "" && <p className="quiet">{task.error.message}</p>}
        </>
      )}
    </section>
  );
}

interface Choice {
  readonly wish: TaskWish;
  readonly word: string;
  readonly icon: IconName;
}

function choicesOf(task: Task): readonly Choice[] {
  const stop: Choice = { wish: "cancel", word: "Stop", icon: "stop" };
  const again: Choice = { wish: "rerun", word: "Run again as a new task", icon: "play" };
  if (task.reason?.code === "held")
    return [{ wish: "release", word: "Let go", icon: "play" }, stop];
  if (!isEnd(task.status)) return [stop];
  if (task.status === "completed") return [again];
  return [{ wish: "retry", word: "Retry", icon: "retry" }, again];
}

function Actions({ task }: { readonly task: Task }): ReactNode {
  const control = useControl();
  const wished = usePage((state) => state.wishes[task.id]);
  return (
    <div className="detail-actions">
      {choicesOf(task).map(({ wish, word, icon }) => (
        <button
          key={wish}
          type="button"
          className="small-button"
          disabled={wished !== undefined}
          onClick={() => control.wish(task.id, wish)}
        >
          <Icon name={icon} />
          {wished === "cancel" && wish === "cancel" ? "Stopping" : word}
        </button>
      ))}
      {task.chatId !== null && (
        <button
          type="button"
          className="small-button"
          onClick={() => control.openChat(task.chatId)}
        >
          <Icon name="chat" />
          Open its chat
        </button>
      )}
    </div>
  );
}

function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Moment({ name, at }: { readonly name: string; readonly at: string }): ReactNode {
  return (
    <Fact name={name}>
      <time dateTime={at}>{momentWords(Date.parse(at))}</time>
    </Fact>
  );
}

/** What the task says while it runs. */
function LiveText({ task }: { readonly task: Task }): ReactNode {
  const followed = usePage((state) => state.views[task.id]?.stream.text ?? "");
  const text = followed || (task.partial ?? "");
  if (text === "" || task.output !== null) return null;
  return (
    <section className="block">
      <h3>{isEnd(task.status) ? "Text until it ended" : "Text so far"}</h3>
      <p className="plain block-text">{text}</p>
    </section>
  );
}

function Subtasks({ task }: { readonly task: Task }): ReactNode {
  const control = useControl();
  const tasks = usePage((state) => state.tasks);
  const children = Object.values(tasks).filter((other) => other.parentId === task.id);
  if (children.length === 0 && task.parentId === null) return null;
  return (
    <section className="block">
      {task.parentId !== null && (
        <button type="button" className="link" onClick={() => control.openTask(task.parentId)}>
          Part of another task
        </button>
      )}
      {children.length > 0 && <h3>Subtasks</h3>}
      <ul className="plain-list">
        {children.map((child) => (
          <li key={child.id}>
            <button type="button" className="link" onClick={() => control.openTask(child.id)}>
              {taskTitle(child)}
            </button>{" "}
            <span className="quiet">{wordsOfStatus(child).word}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const toolWords = {
  intended: "asked for",
  confirmed: "done",
  failed: "failed",
  unknown: "not known whether it took effect",
} as const;

/** Steps and tool calls, as the feed tells them. */
function Ledger({ taskId }: { readonly taskId: string }): ReactNode {
  const view = usePage((state) => state.views[taskId]);
  if (view === undefined || view.steps.length + view.tools.length === 0) return null;
  return (
    <section className="block">
      <h3>Steps and tools</h3>
      <ul className="plain-list">
        {view.steps.map((name) => (
          <li key={`step ${name}`}>
            <Icon name="check" /> {name}
          </li>
        ))}
        {view.tools.map((tool) => (
          <li key={tool.id}>
            <Icon name="tool" /> {tool.name} <span className="quiet">{toolWords[tool.state]}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
