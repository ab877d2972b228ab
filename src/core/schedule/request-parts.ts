import type { ReadyRequest } from "../rows.ts";

/* What requests leave out because nearly every call has it in common. */

/** What a request says of its shape: nothing, as a rule. */
export function shapeParts(
  slots: number,
  model: string | null,
  line: string | null,
): Pick<ReadyRequest, "slots" | "model" | "line"> {
  return {
    ...(slots === 1 ? null : { slots }),
    ...(model === null ? null : { model }),
    ...(line === null ? null : { line }),
  };
}

/** What a request says of cuts: nothing, as a rule. */
export function cutParts(
  cuttable: boolean,
  cuts: number,
  ran: number,
): Pick<ReadyRequest, "cuttable" | "cuts" | "ran"> {
  if (cuts === 0) return cuttable ? { cuttable } : {};
  return cuttable ? { cuttable, cuts, ran } : { cuts, ran };
}

/**
 * The task a call's id names: ids have the form `<task>.<number>`. Logs and memory hold the task only where this
 * is not so, because it would be most of their bytes.
 */
export function taskOfCall(call: string): string {
  const dot = lastDot(call);
  return dot === -1 ? "" : call.slice(0, dot);
}

/** True if {@link taskOfCall} of `call` is `task`. */
export function isTaskOfCall(task: string, call: string): boolean {
  return task.length === lastDot(call) && call.startsWith(task);
}

/** Like `lastIndexOf`, which is slow for what is nearly always the last character but one. */
function lastDot(text: string): number {
  let at = text.length - 1;
  while (at >= 0 && text.charCodeAt(at) !== 46) at -= 1;
  return at;
}
