import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import type { Schedule } from "../../client/index.ts";
import { wordsOfRun } from "../words/queue-words.ts";
import { momentWords } from "../words/time-words.ts";
import { Icon } from "./icon.tsx";
import { LoadFailed } from "./load-failed.tsx";
import { useControl, usePage } from "./page-context.ts";
import { useNow } from "./use-now.ts";

/** What runs again and again: when next, what ran last, and what can be done about it. */
export function SchedulePanel(): ReactNode {
  const control = useControl();
  const schedules = usePage((state) => state.board.schedules);
  const load = usePage((state) => state.board.schedulesLoad);
  useEffect(() => control.board.watch("schedules"), [control]);
  return (
    <div className="panel-body board">
      <LoadFailed load={load} onAgain={() => void control.board.load("schedules")} />
      {load.is === "ready" && schedules.length === 0 && <NoSchedules />}
      <ul className="plain-list" aria-label="Schedules">
        {schedules.map((schedule) => (
          <ScheduleCard key={schedule.name} schedule={schedule} />
        ))}
      </ul>
    </div>
  );
}

function NoSchedules(): ReactNode {
  return (
    <div className="no-tasks">
      <h2>No schedules</h2>
      <p>
        A schedule runs a task again and again, also while nobody looks. Make one in a terminal:
      </p>
      {/* A scrolling region must be reachable by keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0}>
        <code>{'npm run errand -- schedules add \\\n  morning "30 8 * * 1-5" "Plan my day"'}</code>
      </pre>
    </div>
  );
}

function ScheduleCard({ schedule }: { readonly schedule: Schedule }): ReactNode {
  const nowMs = useNow(30_000);
  const control = useControl();
  const { name, cron, timeZone, paused, nextRuns, last } = schedule;
  const [next] = nextRuns;
  return (
    <li className="card">
      <div className="card-head">
        <h3>{name}</h3>
        {paused && <span className="card-mark">Paused</span>}
      </div>
      <p className="card-words">
        {next === undefined ? (
          paused ? (
            "Runs again when it is resumed"
          ) : (
            "Never runs again"
          )
        ) : (
          <span>
            Next run{" "}
            <time dateTime={next} title={momentWords(Date.parse(next))}>
              {wordsOfRun(Date.parse(next), nowMs)}
            </time>
          </span>
        )}
      </p>
      <p className="quiet card-small">
        {schedule.type} · <code>{cron}</code> · {timeZone}
      </p>
      {last !== null && (
        <p className="quiet card-small">
          <button type="button" className="link" onClick={() => control.openTask(last.taskId)}>
            Last run
          </button>{" "}
          {wordsOfRun(Date.parse(last.at), nowMs)}
        </p>
      )}
      <Actions schedule={schedule} />
    </li>
  );
}

function Actions({ schedule: { name, paused } }: { readonly schedule: Schedule }): ReactNode {
  const { board } = useControl();
  const isBusy = usePage((state) => state.board.busy.includes(`schedule ${name}`));
  const [asks, setAsks] = useState(false);
  if (asks) {
    return (
      <div className="card-actions">
        <span>Remove {name}?</span>
        <button
          type="button"
          className="small-button danger"
          onClick={() => void board.removeSchedule(name)}
        >
          Remove
        </button>
        {/* The question took the place of the button that was pressed. */}
        {/* oxlint-disable-next-line jsx-a11y/no-autofocus */}
        <button type="button" className="small-button" autoFocus onClick={() => setAsks(false)}>
          Keep
        </button>
      </div>
    );
  }
  return (
    <div className="card-actions">
      <button
        type="button"
        className="small-button"
        disabled={isBusy}
        aria-label={`Run now: ${name}`}
        onClick={() => void board.runSchedule(name)}
      >
        <Icon name="play" />
        Run now
      </button>
      <button
        type="button"
        className="small-button"
        disabled={isBusy}
        aria-label={`${paused ? "Resume" : "Pause"} ${name}`}
        onClick={() => void board.pauseSchedule(name, !paused)}
      >
        <Icon name={paused ? "play" : "pause"} />
        {paused ? "Resume" : "Pause"}
      </button>
      <button
        type="button"
        className="icon-button"
        disabled={isBusy}
        aria-label={`Remove ${name}`}
        title="Remove this schedule"
        onClick={() => setAsks(true)}
      >
        <Icon name="trash" />
      </button>
    </div>
  );
}
