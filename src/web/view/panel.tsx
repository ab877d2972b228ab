import { useEffect } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import { panelTabs as tabs } from "../state/page-state.ts";
import type { PanelTab } from "../state/page-state.ts";
import { firingAlerts } from "../state/reduce-board.ts";
import { openTodos } from "../state/reduce-todo.ts";
import { Approvals } from "./approvals.tsx";
import { useControl, usePage } from "./page-context.ts";
import { QueuePanel } from "./queue-panel.tsx";
import { SchedulePanel } from "./schedule-panel.tsx";
import { TaskPanel } from "./task-panel.tsx";
import { TodoPanel } from "./todo-panel.tsx";

const words: Record<PanelTab, string> = {
  tasks: "Tasks",
  todos: "Todos",
  schedules: "Schedules",
  queues: "Queues",
};

const contents: Record<PanelTab, () => ReactNode> = {
  tasks: TaskPanel,
  todos: TodoPanel,
  schedules: SchedulePanel,
  queues: QueuePanel,
};

/** What stands beside the chat: background tasks, todos, schedules or queues; one task in full takes all of it. */
export function Panel(): ReactNode {
  const tab = usePage((state) => state.shell.tab);
  const isDetail = usePage((state) => state.detail !== null);
  const control = useControl();
  useEffect(() => control.board.watchAlerts(), [control]);
  if (isDetail) return <TaskPanel />;
  const Content = contents[tab];
  return (
    <>
      <Approvals />
      <Tabs current={tab} />
      <div id="panel-content" className="tab-panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        <Content />
      </div>
    </>
  );
}

function Tabs({ current }: { readonly current: PanelTab }): ReactNode {
  const control = useControl();
  const open = usePage((state) => openTodos(state.todos));
  const firing = usePage((state) => firingAlerts(state.board).length);
  // As tabs do everywhere: one of them is in the order of Tab, arrows go to the others.
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    const next = tabs[(tabs.indexOf(current) + by + tabs.length) % tabs.length];
    if (next === undefined) return;
    event.preventDefault();
    control.setTab(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div className="panel-tabs" role="tablist" aria-label="Beside the chat">
      {tabs.map((tab) => (
        <button
          key={tab}
          type="button"
          role="tab"
          id={`tab-${tab}`}
          aria-selected={tab === current}
          aria-controls="panel-content"
          tabIndex={tab === current ? 0 : -1}
          onClick={() => control.setTab(tab)}
          onKeyDown={onKeyDown}
        >
          {words[tab]} {tab === "todos" && open > 0 && <span className="tab-count">{open}</span>}
          {tab === "queues" && firing > 0 && (
            <span className="tab-count" data-tone="bad">
              {firing}
              <span className="unseen">{firing === 1 ? " alert" : " alerts"}</span>
            </span>
          )}
        </button>
      ))}
    </div>
  );
}
