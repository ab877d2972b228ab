import type { ReactNode } from "react";
import { adviceOnAlert } from "../../client/index.ts";
import type { Alert } from "../../client/index.ts";
import { agoWords, durationWords, momentWords } from "../words/time-words.ts";
import { Icon } from "./icon.tsx";
import { useControl, usePage } from "./page-context.ts";
import { useNow } from "./use-now.ts";

/** Cleared alerts that are listed: older ones are among the tasks. */
const clearedMax = 10;

/** What is wrong with the server now and what to do about it, then what was wrong lately. Nothing while all is well. */
export function Alerts(): ReactNode {
  const alerts = usePage((state) => state.board.alerts);
  const nowMs = useNow(30_000);
  const firing = alerts.filter(({ clearedAt }) => clearedAt === null);
  const cleared = alerts.filter(({ clearedAt }) => clearedAt !== null).slice(0, clearedMax);
  return (
    <>
      {firing.length > 0 && (
        <ul className="plain-list" aria-label="Alerts">
          {firing.map((alert) => (
            <Firing key={`${alert.rule} ${alert.subject}`} alert={alert} nowMs={nowMs} />
          ))}
        </ul>
      )}
      {cleared.length > 0 && (
        <details className="folded">
          <summary>
            {cleared.length === 1 ? "1 alert is over" : `${cleared.length} alerts are over`}
          </summary>
          <ul className="plain-list" aria-label="Alerts that are over">
            {cleared.map((alert) => (
              <Cleared
                key={`${alert.rule} ${alert.subject} ${alert.firedAt}`}
                alert={alert}
                nowMs={nowMs}
              />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

interface AlertProps {
  readonly alert: Alert;
  readonly nowMs: number;
}

/** Rules that are about tasks that have failed. */
const aboutFailures: readonly string[] = ["failure_rate", "dead_letters"];

function Firing({ alert, nowMs }: AlertProps): ReactNode {
  const control = useControl();
  const { rule, message, firedAt } = alert;
  const atMs = Date.parse(firedAt);
  const advice = adviceOnAlert(alert);
  return (
    <li className="card alert">
      <p className="card-words alert-what">
        <span className="status-mark" data-tone="bad">
          <Icon name="alert" />
        </span>
        <strong>{sentence(message)}</strong>
      </p>
      {advice !== "" && <p>{advice}</p>}
      <p className="quiet card-small" title={momentWords(atMs)}>
        For {durationWords(nowMs - atMs)}
      </p>
      {aboutFailures.includes(rule) && (
        <div className="card-actions">
          <button
            type="button"
            className="small-button"
            onClick={() => {
              control.setFilter("failed");
              control.setTab("tasks");
            }}
          >
            Show what failed
          </button>
        </div>
      )}
    </li>
  );
}

function Cleared({ alert, nowMs }: AlertProps): ReactNode {
  const firedMs = Date.parse(alert.firedAt);
  const clearedMs = Date.parse(alert.clearedAt ?? alert.firedAt);
  return (
    <li className="card">
      <p className="card-words">
        <span className="status-mark" data-tone="good">
          <Icon name="check" />
        </span>
        {sentence(alert.message)}
      </p>
      <p className="quiet card-small" title={momentWords(clearedMs)}>
        Cleared {agoWords(clearedMs, nowMs)}, after {durationWords(clearedMs - firedMs)}
      </p>
    </li>
  );
}

function sentence(message: string): string {
  return message.slice(0, 1).toUpperCase() + message.slice(1);
}
