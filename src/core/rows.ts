import type { TaskStatus } from "./task/status.ts";

/**
 * A task as lists see it: clear columns only, no payload (SPEC SEAL4). `status` is exact except that a task which
 * started straight from `queued` still reads `queued` here: the start is in the log, and lists overlay it
 * (SPEC KERNEL9), which saves one row write a task.
 */
export interface TaskRow {
  readonly table: "task";
  readonly id: string;
  readonly userId: string;
  readonly type: string;
  readonly status: TaskStatus;
  readonly queue: string;
  readonly sessionId: string | null;
  readonly parentId: string | null;
  readonly createdAtMs: number;
  readonly endedAtMs: number | null;
}

/** A call that waits for a slot. The scheduler's heap is a cache of these rows. */
export interface ReadyRow {
  readonly table: "ready";
  readonly queue: string;
  readonly call: string;
  /** The request as the queue's decider will need it again after a restart. Clear: ids and numbers only. */
  readonly request: ReadyRequest;
}

/** What the scheduler knows of a waiting call. */
export interface ReadyRequest {
  readonly task: string;
  readonly type: string;
  /** Fairness key: who is charged. The user, unless the task says otherwise. */
  readonly key: string;
  readonly user: string;
  readonly weight: number;
  /** 0 interactive, 1 background, 2 batch. */
  readonly band: 0 | 1 | 2;
  /** Root task: a fan-out shares its root's tag. */
  readonly root: string;
  /** Predicted cost in slot-seconds. */
  readonly cost: number;
  /** What a model call is for. Calls that say so have their costs learnt by it (SPEC QUEUE18). */
  readonly role?: string;
  /** The part of the cost that is known beforehand, in slot-seconds; absent: nothing. */
  readonly lead?: number;
  /** Tokens it is predicted to take, prompt and answer; absent: none. */
  readonly tokens?: number;
  /** What the call's tree is predicted to take from here on, in slot-seconds; absent: what the call takes. */
  readonly rest?: number;
  /** It can be stopped at a token boundary and gone on with. */
  readonly cuttable?: true;
  /** Times it was cut before; absent: never. */
  readonly cuts?: number;
  /** Seconds it had written when it was cut, over all its earlier slots. */
  readonly ran?: number;
  /** Slots it takes while it runs; absent: 1. More than the queue has are all of them. */
  readonly slots?: number;
  /** Model it asks, at an endpoint that holds one in memory; absent: any, or it does not matter. */
  readonly model?: string;
  /** Endpoint it asks, of those that share the queue's device; absent: the queue has one. */
  readonly line?: string;
  /** Per-task-type caps that this call counts against; `null` is no cap. Of a call with a line they are the line's. */
  readonly capTotal: number | null;
  readonly capPerKey: number | null;
  /** Arrival number in the queue: ties are broken by it. */
  readonly seq: number;
  readonly readyAtMs: number;
  /** Order inside the key: the key's service clock when the task entered, plus the predicted cost. */
  readonly tag: number;
}

/** Removes a call from the ready rows: it was granted or withdrawn. */
export interface ReadyGone {
  readonly table: "readyGone";
  readonly queue: string;
  readonly call: string;
}

/** A session as lists see it. `title` is sealed with the user's key. */
export interface SessionRow {
  readonly table: "session";
  readonly userId: string;
  readonly chatId: string;
  readonly title: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly activeTaskId: string | null;
  /** The owner deleted the session: its row goes, and it is no longer listed. */
  readonly deleted: boolean;
}

/** A projection: a fact for cross-scope lists, upserted by its key in the same transaction as the events. */
export type Row = TaskRow | ReadyRow | ReadyGone | SessionRow;

/** Key of a row: rows of one group with one key are coalesced, the last wins. */
export function rowKey(row: Row): string {
  switch (row.table) {
    case "task":
      return `t:${row.id}`;
    case "ready":
    case "readyGone":
      return `r:${row.queue}:${row.call}`;
    case "session":
      return `s:${row.userId}/${row.chatId}`;
    default: {
      const never: never = row;
      return never;
    }
  }
}
