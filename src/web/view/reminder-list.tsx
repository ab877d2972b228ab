import type { ReactNode } from "react";
import type { Reminder } from "../../client/index.ts";
import { momentWords } from "../words/time-words.ts";
import { Icon } from "./icon.tsx";
import { useControl, usePage } from "./page-context.ts";

/** Reminders: those that have come and wait for an answer, then those that will come. */
export function ReminderList(): ReactNode {
  const reminders = usePage((state) => state.todos.reminders);
  if (reminders.length === 0) return null;
  return (
    <>
      <h3 className="todos-title">Reminders</h3>
      <ul className="todos" aria-label="Reminders">
        {reminders.map((reminder) => (
          <ReminderRow key={reminder.id} reminder={reminder} />
        ))}
      </ul>
    </>
  );
}

function ReminderRow({ reminder }: { readonly reminder: Reminder }): ReactNode {
  const control = useControl();
  const { id, text, last, nextAt } = reminder;
  const hasCome = nextAt === null && last !== null;
  return (
    <li className="todo" data-rang={hasCome}>
      <span className="todo-text reminder-text">
        {text}
        <ReminderWhen reminder={reminder} />
      </span>
      {hasCome && (
        <button
          type="button"
          className="icon-button"
          aria-label={`In ten minutes again: ${text}`}
          title="In ten minutes again"
          onClick={() => void control.todos.snooze(id)}
        >
          <Icon name="clock" />
        </button>
      )}
      <button
        type="button"
        className="icon-button"
        aria-label={`${hasCome ? "Done" : "Remove"}: ${text}`}
        title={hasCome ? "Done" : "Remove"}
        onClick={() => void control.todos.removeReminder(id)}
      >
        <Icon name={hasCome ? "check" : "close"} />
      </button>
    </li>
  );
}

function ReminderWhen({ reminder }: { readonly reminder: Reminder }): ReactNode {
  const { nextAt, last, cron } = reminder;
  const at = nextAt ?? last?.dueAt ?? null;
  if (at === null) return null;
  const isMissed = nextAt === null && last?.missed === true;
  return (
    <time className="todo-due" data-late={isMissed} dateTime={at}>
      {isMissed ? "Missed while Errand was not running: " : ""}
      {momentWords(Date.parse(at))}
      {cron === null ? "" : ", comes again"}
    </time>
  );
}
