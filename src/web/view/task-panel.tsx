import { memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { ReactNode } from "react";
import type { PanelFilter } from "../state/page-state.ts";
import { taskLines } from "../state/select-tasks.ts";
import type { TaskLine } from "../state/select-tasks.ts";
import { LoadFailed } from "./load-failed.tsx";
import { useControl, usePage } from "./page-context.ts";
import { TaskDetail } from "./task-detail.tsx";
import { TaskRow } from "./task-row.tsx";

/** Background tasks: the list, or one task in full. */
export function TaskPanel(): ReactNode {
  const openTaskId = usePage((state) => state.detail?.taskId ?? null);
  const filter = usePage((state) => state.shell.filter);
  if (openTaskId !== null) return <TaskDetail key={openTaskId} taskId={openTaskId} />;
  return (
    <>
      <div className="panel-head">
        <h2>Background tasks</h2>
        <Filters />
      </div>
      <TaskList key={filter} filter={filter} />
    </>
  );
}

const filters: readonly { readonly filter: PanelFilter; readonly word: string }[] = [
  { filter: "all", word: "All" },
  { filter: "active", word: "Active" },
  { filter: "failed", word: "Failed" },
];

function Filters(): ReactNode {
  const control = useControl();
  const current = usePage((state) => state.shell.filter);
  return (
    <fieldset className="filters">
      <legend className="unseen">Which tasks</legend>
      {filters.map(({ filter, word }) => (
        <button
          key={filter}
          type="button"
          aria-pressed={filter === current}
          onClick={() => control.setFilter(filter)}
        >
          {word}
        </button>
      ))}
    </fieldset>
  );
}

/** Rows that are added at a time: what nobody has scrolled to costs nothing. */
const rowsPerStep = 100;

function TaskList({ filter }: { readonly filter: PanelFilter }): ReactNode {
  const control = useControl();
  const tasks = usePage((state) => state.tasks);
  const openSessionId = usePage((state) => state.route.sessionId);
  const { load, nextCursor } = usePage((state) => state.lists[filter]);
  const lines = useMemo(
    () => taskLines(tasks, filter, openSessionId),
    [tasks, filter, openSessionId],
  );
  const [shown, setShown] = useState(rowsPerStep);
  const showMore = useCallback(() => {
    if (lines.length > shown) setShown(shown + rowsPerStep);
    else void control.tasks.loadMore(filter);
  }, [control, filter, lines.length, shown]);
  return (
    <div className="panel-body">
      <LoadFailed load={load} onAgain={() => void control.tasks.loadList(filter)} />
      {load.is === "ready" && lines.length === 0 && nextCursor === null && (
        <NoTasks filter={filter} />
      )}
      {lines.length > 0 && (
        <ul className="tasks" aria-label="Tasks">
          {lines.slice(0, shown).map((line) => (
            <Line key={line.taskId} taskId={line.taskId} depth={line.depth} />
          ))}
        </ul>
      )}
      {(nextCursor !== null || lines.length > shown) && (
        <More isLoading={load.is === "loading"} waits={load.is === "failed"} onMore={showMore} />
      )}
    </div>
  );
}

/** A changed task makes a new list; only its own row may pay for it. */
const Line: (props: TaskLine) => ReactNode = memo(function Line({ taskId, depth }) {
  const task = usePage((state) => state.tasks[taskId]);
  return task === undefined ? null : <TaskRow task={task} depth={depth} />;
});

const noTasks: Record<PanelFilter, { readonly title: string; readonly text: string }> = {
  all: {
    title: "Nothing in the background yet",
    text: "Work that outlives a message shows up here: queued notes, long answers, plans with subtasks.",
  },
  active: {
    title: "Nothing is running",
    text: "What is queued, running or waiting is listed here.",
  },
  failed: {
    title: "Nothing has failed",
    text: "What failed, expired or was stopped is listed here.",
  },
};

function NoTasks({ filter }: { readonly filter: PanelFilter }): ReactNode {
  const control = useControl();
  const { title, text } = noTasks[filter];
  return (
    <div className="no-tasks">
      <h3>{title}</h3>
      <p>{text}</p>
      {filter === "all" && (
        <button
          type="button"
          className="small-button"
          onClick={() => void control.chat.send("enqueue water the plants")}
        >
          Try: enqueue water the plants
        </button>
      )}
    </div>
  );
}

interface MoreProps {
  readonly isLoading: boolean;
  /** The last look failed: the next one is the person's to ask for. */
  readonly waits: boolean;
  readonly onMore: () => void;
}

/** Asks for more rows when their place is nearly in sight. */
function More({ isLoading, waits, onMore }: MoreProps): ReactNode {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const element = button.current;
    if (element === null || isLoading || waits) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) onMore();
      },
      { rootMargin: "400px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [isLoading, waits, onMore]);
  return (
    <button
      type="button"
      ref={button}
      className="small-button more"
      disabled={isLoading}
      onClick={onMore}
    >
      {isLoading ? "Loading more" : "Show more"}
    </button>
  );
}
