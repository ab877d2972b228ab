import type { ReactNode } from "react";
import type { LogFact } from "../../client/index.ts";
import type { DetailState } from "../state/page-state.ts";
import { useControl } from "./page-context.ts";

const clock: Intl.DateTimeFormat = new Intl.DateTimeFormat("en", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});

/** The numbered facts of a task: the truth that everything else here is made of. */
export function TaskLog({ detail }: { readonly detail: DetailState }): ReactNode {
  const control = useControl();
  if (detail.log.length === 0) return null;
  return (
    <section className="block">
      <h3>Log</h3>
      <ol className="log">
        {detail.log.map((fact) => (
          <Fact key={fact.seq} fact={fact} />
        ))}
      </ol>
      {detail.logNextAfter !== null && (
        <button
          type="button"
          className="small-button"
          onClick={() => void control.tasks.loadDetail(detail.taskId)}
        >
          Show more facts
        </button>
      )}
    </section>
  );
}

function Fact({ fact }: { readonly fact: LogFact }): ReactNode {
  const line = (
    <>
      <span className="log-seq">{fact.seq}</span>
      <span className="log-type">{fact.type}</span>
      <time className="log-time" dateTime={fact.timestamp}>
        {clock.format(Date.parse(fact.timestamp))}
      </time>
    </>
  );
  const isEmpty =
    fact.payload === null ||
    (typeof fact.payload === "object" && Object.keys(fact.payload).length === 0);
  if (isEmpty) return <li className="log-line">{line}</li>;
  return (
    <li>
      <details>
        <summary className="log-line">{line}</summary>
        <pre className="block-text">{JSON.stringify(fact.payload, null, 2)}</pre>
      </details>
    </li>
  );
}
