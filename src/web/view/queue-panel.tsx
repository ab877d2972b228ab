import { useEffect } from "react";
import type { ReactNode } from "react";
import type { QueueStatus } from "../../client/index.ts";
import {
  isBackstage,
  limitsOfQueue,
  standOfQueue,
  titleOfQueue,
  wordsOfCuts,
} from "../words/queue-words.ts";
import { Alerts } from "./alerts.tsx";
import { Icon } from "./icon.tsx";
import { LoadFailed } from "./load-failed.tsx";
import { useControl, usePage } from "./page-context.ts";
import { useNow } from "./use-now.ts";

/**
 * What is wrong, then every queue: how full it is, what waits, whether it moves, and the switch that stops it. Pools that
 * Errand brings along and where nothing waits are one line.
 */
export function QueuePanel(): ReactNode {
  const control = useControl();
  const queues = usePage((state) => state.board.queues);
  const load = usePage((state) => state.board.queuesLoad);
  useEffect(() => control.board.watch("queues"), [control]);
  const shown = queues.filter((queue) => !isBackstage(queue));
  const others = queues.filter(isBackstage);
  return (
    <div className="panel-body board">
      <Alerts />
      <LoadFailed load={load} onAgain={() => void control.board.load("queues")} />
      {load.is === "ready" && queues.length === 0 && (
        <div className="no-tasks">
          <h2>No queues yet</h2>
          <p>A queue appears with the first task that needs it.</p>
        </div>
      )}
      <ul className="plain-list" aria-label="Queues">
        {shown.map((queue) => (
          <QueueCard key={queue.name} queue={queue} />
        ))}
      </ul>
      {others.length > 0 && (
        <details className="folded">
          <summary>
            {others.length} {shown.length > 0 ? "more" : others.length === 1 ? "queue" : "queues"},
            nothing waits
          </summary>
          <ul className="plain-list" aria-label="Queues where nothing waits">
            {others.map((queue) => (
              <QueueCard key={queue.name} queue={queue} />
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function QueueCard({ queue }: { readonly queue: QueueStatus }): ReactNode {
  const control = useControl();
  const nowMs = useNow(queue.closed === null ? 30_000 : 1_000);
  const isBusy = usePage((state) => state.board.busy.includes(`queue ${queue.name}`));
  const title = titleOfQueue(queue.name);
  const { word, tone, icon } = standOfQueue(queue, nowMs);
  const small = [limitsOfQueue(queue), wordsOfCuts(queue)].filter((words) => words !== "");
  const verb = queue.paused ? "Resume" : "Pause";
  return (
    <li className="card">
      <div className="card-head">
        <h3>{title}</h3>
        <button
          type="button"
          className="small-button"
          disabled={isBusy}
          aria-label={`${verb} ${title}`}
          onClick={() => void control.board.pauseQueue(queue.name, !queue.paused)}
        >
          <Icon name={queue.paused ? "play" : "pause"} />
          {verb}
        </button>
      </div>
      <p className="card-words">
        {queue.running} of {queue.slots} {queue.slots === 1 ? "slot" : "slots"} busy
        {queue.pending > 0 && ` · ${queue.pending} waiting`}
      </p>
      <progress
        className="progress slots"
        aria-label={`${title}: slots busy`}
        max={Math.max(1, queue.slots)}
        value={Math.min(queue.running, queue.slots)}
      />
      <p className="card-words">
        <span className="status-mark" data-tone={tone}>
          <Icon name={icon} />
        </span>
        <span data-tone={tone}>{word}</span>
      </p>
      {small.map((words) => (
        <p key={words} className="quiet card-small">
          {words}
        </p>
      ))}
    </li>
  );
}
