import type { ReactNode } from "react";
import type { Approval } from "../../client/index.ts";
import { JsonBlock } from "./json-block.tsx";
import { useControl, usePage } from "./page-context.ts";

/** What tasks ask their person: above everything else beside the chat, because they wait for it. */
export function Approvals(): ReactNode {
  const approvals = usePage((state) => state.todos.approvals);
  if (approvals.length === 0) return null;
  return (
    <section className="approvals" aria-label="Waits for your approval">
      <h2>{approvals.length === 1 ? "A task asks you" : `${approvals.length} tasks ask you`}</h2>
      <ul className="todos" aria-label="Questions">
        {approvals.map((approval) => (
          <Question key={approval.id} approval={approval} />
        ))}
      </ul>
    </section>
  );
}

function Question({ approval }: { readonly approval: Approval }): ReactNode {
  const control = useControl();
  const { id, question, details, taskId, taskType } = approval;
  const answer = (approved: boolean): void => void control.todos.answer(id, approved);
  return (
    <li className="approval">
      <p className="approval-question">{question}</p>
      {details !== null && (
        <details>
          <summary>What it is about</summary>
          <JsonBlock title="Details" value={details} />
        </details>
      )}
      <div className="approval-actions">
        <button
          type="button"
          className="small-button"
          data-main="true"
          onClick={() => answer(true)}
        >
          Approve
        </button>
        <button type="button" className="small-button" onClick={() => answer(false)}>
          Reject
        </button>
        <button type="button" className="link" onClick={() => control.openTask(taskId)}>
          Show the task ({taskType})
        </button>
      </div>
    </li>
  );
}
