import { decodeMessage, decodeProgress, decodeTask } from "./decode.ts";
import { fieldsOf, parseJson } from "./shape.ts";
import type { Fields } from "./shape.ts";
import { decodeApprovalChange, type ApprovalChange } from "./approval-api.ts";
import { decodeReminderChange, type ReminderChange } from "./planner-api.ts";
import { decodeTodoChange, type TodoChange } from "./todo-api.ts";
import type { ChatMessage, Progress, Task } from "./wire.ts";

/** State of one tool call. `unknown` means that nobody knows whether it took effect. */
export type ToolState = "intended" | "confirmed" | "failed" | "unknown";

/** One event of a task's feed or of a user's feed, as a fact about one task. */
export type TaskEvent =
  | { readonly type: "state"; readonly taskId: string; readonly task: Task }
  | { readonly type: "progress"; readonly taskId: string; readonly progress: Progress | null }
  | { readonly type: "step"; readonly taskId: string; readonly name: string }
  | {
      readonly type: "tool";
      readonly taskId: string;
      readonly id: string;
      readonly name: string;
      readonly state: ToolState;
    }
  /** `offset` is where `text` begins in the text of its attempt, in UTF-16 units. */
  | {
      readonly type: "token";
      readonly taskId: string;
      readonly text: string;
      readonly offset: number;
    }
  /** What attempt `attempt` said from `offset` on is void. */
  | {
      readonly type: "reset";
      readonly taskId: string;
      readonly attempt: number;
      readonly offset: number;
      readonly reason: string;
    }
  | { readonly type: "end"; readonly taskId: string; readonly task: Task };

/** One event of any feed. `up-to-date` says that everything before it was the past. */
export type FeedEvent =
  | TaskEvent
  | { readonly type: "up-to-date" }
  | { readonly type: "todo"; readonly change: TodoChange }
  | { readonly type: "reminder"; readonly change: ReminderChange }
  | { readonly type: "approval"; readonly change: ApprovalChange }
  | {
      readonly type: "session";
      readonly sessionId: string;
      readonly message: ChatMessage | null;
      readonly activeTaskId: string | null;
      /** True if the session is gone. */
      readonly deleted: boolean;
    };

/** True for an event about one task. */
export function isTaskEvent(event: FeedEvent): event is TaskEvent {
  return "taskId" in event;
}

/**
 * Reads one event. Null for a name this client does not know: a newer server may say more. Throws `ShapeError` if a
 * known event has another shape. `taskId` names the task of a feed that serves only one.
 */
export function parseFeedEvent(name: string, data: string, taskId?: string): FeedEvent | null {
  if (name === "up-to-date") return { type: "up-to-date" };
  if (name === "todo")
    return { type: "todo", change: decodeTodoChange(fieldsOf(parseJson(data, name), name)) };
  if (name === "reminder")
    return {
      type: "reminder",
      change: decodeReminderChange(fieldsOf(parseJson(data, name), name)),
    };
  if (name === "approval")
    return {
      type: "approval",
      change: decodeApprovalChange(fieldsOf(parseJson(data, name), name)),
    };
  if (name === "session") return parseSession(fieldsOf(parseJson(data, name), name));
  const known = ["state", "progress", "step", "tool", "token", "reset", "end"];
  if (!known.includes(name)) return null;
  return parseTaskEvent(name, fieldsOf(parseJson(data, name), name), taskId);
}

function parseTaskEvent(name: string, f: Fields, followed: string | undefined): TaskEvent | null {
  if (name === "state" || name === "end") {
    const task = decodeTask(f.json("task"), `${name}.task`);
    return { type: name, taskId: task.id, task };
  }
  const taskId = f.textOrNull("taskId") ?? f.textOrNull("operation_id") ?? followed;
  // A fact about nobody: the field is missing and the feed is not of one task.
  if (taskId === undefined) return null;
  switch (name) {
    case "progress":
      return { type: "progress", taskId, progress: decodeProgress(f.json("progress")) };
    case "step":
      return { type: "step", taskId, name: f.text("name") };
    case "tool":
      return {
        type: "tool",
        taskId,
        id: f.textOrNull("id") ?? f.text("name"),
        name: f.text("name"),
        state: f.oneOf("state", ["intended", "confirmed", "failed", "unknown"]),
      };
    case "token":
      return { type: "token", taskId, text: f.text("text"), offset: f.number("offset") };
    case "reset":
      return {
        type: "reset",
        taskId,
        attempt: f.number("attempt"),
        offset: f.number("offset"),
        reason: f.textOrNull("reason") ?? "",
      };
    default:
      return null;
  }
}

function parseSession(f: Fields): FeedEvent {
  const message = f.json("message");
  return {
    type: "session",
    sessionId: f.text("sessionId"),
    message: message === null ? null : decodeMessage(message, "session.message"),
    activeTaskId: f.textOrNull("activeTaskId"),
    deleted: f.flag("deleted"),
  };
}
