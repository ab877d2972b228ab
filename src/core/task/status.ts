/** Where a task stands. The last four are ends and never change (SPEC TASK2). */
export type TaskStatus =
  | "delayed"
  | "queued"
  | "running"
  | "waiting"
  | "completed"
  | "failed"
  | "cancelled"
  | "expired";

/** True for a status that never changes again. */
export function isEnd(status: TaskStatus): boolean {
  return (
    status === "completed" || status === "failed" || status === "cancelled" || status === "expired"
  );
}

/** The three groups lists filter by: `failed` holds every end that is not `completed`. */
export type StatusClass = "active" | "completed" | "failed";

/** The group of a status. */
export function statusClass(status: TaskStatus): StatusClass {
  if (!isEnd(status)) return "active";
  return status === "completed" ? "completed" : "failed";
}
