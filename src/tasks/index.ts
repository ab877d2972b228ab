/**
 * The built-in task types, written with the engine's public API only.
 * @module
 */
import type { AnyTaskType } from "../engine/index.ts";
import { chatTask } from "./chat.ts";
import { completionTask, embeddingTask, responseTask } from "./completion.ts";
import { dailyPlanTask } from "./daily-plan.ts";
import type { Desk } from "./desk.ts";
import { extractTodosTask } from "./extract-todos.ts";
import { generateTask } from "./generate.ts";
import { noteTask } from "./note.ts";
import { remindTask } from "./remind.ts";
import { summaryTask } from "./summary.ts";
import { orchestrateTask, workerTask } from "./orchestrate.ts";

export type { ChatModel, Desk, NewNote, NoteLine } from "./desk.ts";
export { orchestrateTask } from "./orchestrate.ts";
export { engineDesk } from "./engine-desk.ts";
export { alertNoteOf, AlertWatch, alertTask, type AlertNote, type AlertView } from "./alerts.ts";
export { alertsDefault, type AlertSettings } from "./alert-rules.ts";
export {
  forgetReceiver,
  watchWebhooks,
  webhookTask,
  type DeliverWebhook,
  type WebhookEvent,
} from "./webhook.ts";

/** How the built-in tasks differ from server to server. */
export interface BuiltInOptions {
  /** Text of a session that a chat turn remembers, in UTF-16 units. Default 16,000. */
  readonly memoryCharsMax?: number;
}

/**
 * The task types that every server has: `chat`, `note`, `extract_todos`, `remind`, `summary`, `daily_plan`, `generate`,
 * `orchestrate` and its workers, and those of the
 * OpenAI door: `completion`, `response` and `embedding`.
 */
export function builtInTasks(desk: Desk, options: BuiltInOptions = {}): AnyTaskType[] {
  return [
    chatTask(desk, options),
    noteTask,
    extractTodosTask(desk),
    remindTask(desk),
    summaryTask(desk),
    dailyPlanTask(desk),
    generateTask,
    orchestrateTask(desk),
    workerTask,
    completionTask,
    responseTask,
    embeddingTask,
  ];
}
