import { formatId } from "../../src/core/ids.ts";
import type { WorldEvent, WorldTodo } from "./stand-in-world.ts";

/** The stand-in's todos: each change is told to the feed with the client's action. */
export interface WorldTodos {
  readonly todos: Map<string, WorldTodo>;
  readonly todoSeq: number;
  putTodo(fields: Partial<WorldTodo>, actionId?: unknown): WorldTodo;
  removeTodo(id: string, actionId?: unknown): WorldTodo;
  readonly approvals: Map<string, WorldApproval>;
  /** A task asks; null: it needs no answer any more. Tells the feed. */
  ask(id: string, fields: Pick<WorldApproval, "taskId" | "question"> | null): WorldApproval;
  readonly reminders: Map<string, WorldReminder>;
  /** Sets a reminder, or changes or (null) removes the one of that id, and tells the feed. */
  putReminder(id: string, fields: Partial<WorldReminder> | null): WorldReminder;
}

/** A question as the wire carries it. */
export interface WorldApproval {
  id: string;
  taskId: string;
  taskType: string;
  question: string;
  details: unknown;
  askedAt: string;
  untilAt: null;
}

/** A reminder as the wire carries it. */
export interface WorldReminder {
  id: string;
  text: string;
  cron: string | null;
  timeZone: string;
  sessionId: string;
  nextAt: string | null;
  last: { dueAt: string; at: string; missed: boolean } | null;
  createdAt: string;
}

/** Makes an empty list that tells its changes. */
export function worldTodos(tell: (event: WorldEvent) => void): WorldTodos {
  const todos = new Map<string, WorldTodo>();
  let seq = 0;
  const told = (type: string, todoId: string, actionId: unknown): void => {
    seq += 1;
    const data = {
      type,
      event_id: `evt_${seq}`,
      client_action_id: actionId ?? null,
      sessionId: "planner",
      seq,
      todoId,
      todo: todos.get(todoId) ?? null,
    };
    tell({ taskId: null, name: "todo", data, cursor: null });
  };
  return {
    ...worldReminders(tell),
    ...worldApprovals(tell),
    todos,
    get todoSeq() {
      return seq;
    },
    putTodo(fields, actionId) {
      const id = fields.id ?? formatId("todo", Date.now() + todos.size, new Uint8Array(10));
      const before = todos.get(id);
      const todo: WorldTodo = {
        text: "",
        status: "open",
        dueDay: null,
        source: null,
        operationId: null,
        createdAt: new Date().toISOString(),
        ...before,
        ...fields,
        id,
        doneAt: fields.status === "done" ? new Date().toISOString() : null,
      };
      todos.set(id, todo);
      told(before === undefined ? "todo.added" : "todo.changed", id, actionId);
      return todo;
    },
    removeTodo(id, actionId) {
      const todo = todos.get(id);
      if (todo === undefined) throw new Error(`the stand-in knows no todo ${id}`);
      todos.delete(id);
      told("todo.removed", id, actionId);
      return todo;
    },
  };
}

function worldReminders(
  tell: (event: WorldEvent) => void,
): Pick<WorldTodos, "reminders" | "putReminder"> {
  const reminders = new Map<string, WorldReminder>();
  return {
    reminders,
    putReminder(id, fields) {
      const reminder: WorldReminder = {
        text: "",
        cron: null,
        timeZone: "UTC",
        sessionId: "planner",
        nextAt: null,
        last: null,
        createdAt: new Date().toISOString(),
        ...reminders.get(id),
        ...fields,
        id,
      };
      if (fields === null) reminders.delete(id);
      else reminders.set(id, reminder);
      const type = fields?.last != null ? "reminder.rang" : "reminder.set";
      const data = { type, seq: 1, reminderId: id, reminder: fields === null ? null : reminder };
      tell({ taskId: null, name: "reminder", data, cursor: null });
      return reminder;
    },
  };
}

function worldApprovals(tell: (event: WorldEvent) => void): Pick<WorldTodos, "approvals" | "ask"> {
  const approvals = new Map<string, WorldApproval>();
  return {
    approvals,
    ask(id, fields) {
      const askedAt = new Date().toISOString();
      const approval: WorldApproval = {
        taskId: "",
        question: "",
        taskType: "send",
        details: { to: "ann" },
        askedAt,
        untilAt: null,
        ...approvals.get(id),
        ...fields,
        id,
      };
      if (fields === null) approvals.delete(id);
      else approvals.set(id, approval);
      const type = fields === null ? "approval.settled" : "approval.asked";
      const data = { type, seq: 1, approvalId: id, approval: fields === null ? null : approval };
      tell({ taskId: null, name: "approval", data, cursor: null });
      return approval;
    },
  };
}
