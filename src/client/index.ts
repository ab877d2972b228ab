export { createClient } from "./client.ts";
export type { ClientOptions, ErrandClient, FollowOptions } from "./client.ts";
export type { ChatApi, NewMessage } from "./chat-api.ts";
export type { MissedTicks, NewSchedule, Schedule, ScheduleApi } from "./schedule-api.ts";
export type { Todo, TodoApi, TodoChange, TodoDone, TodoEdit, TodoSnapshot } from "./todo-api.ts";
export type { DayPlan, NewReminder, PlannerApi, Reminder, ReminderChange } from "./planner-api.ts";
export type { Approval, ApprovalApi, ApprovalChange } from "./approval-api.ts";
export type { PortableApi } from "./portable-api.ts";
export type { QueueApi } from "./queue-api.ts";
export type { NewTask, TaskApi, TaskFilter } from "./task-api.ts";
export { adviceOnAlert } from "./explain-alert.ts";
export { explainFailure, explainTaskError, inOneLine } from "./explain.ts";
export type { Explanation } from "./explain.ts";
export { failureCode, failureOf, mayPass, RequestFailed } from "./failure.ts";
export type { Failure, Refusal } from "./failure.ts";
export type { FeedConnection, FeedItem } from "./feed.ts";
export { isTaskEvent } from "./feed-event.ts";
export type { FeedEvent, TaskEvent, ToolState } from "./feed-event.ts";
export { platformEnvironment } from "./feed-environment.ts";
export type { FeedEnvironment, WakeCause } from "./feed-environment.ts";
export { emptyView, foldTask, viewOf } from "./task-view.ts";
export type { StreamText, TaskView, ToolCall } from "./task-view.ts";
export type {
  Alert,
  ChatMessage,
  Estimate,
  EstimateRange,
  LogFact,
  LogPage,
  MessagePart,
  MessageStatus,
  ModelSpeed,
  ModelStatus,
  Overview,
  Priority,
  Progress,
  QueueChange,
  QueueStatus,
  Reason,
  SentMessage,
  SessionPage,
  SessionSnapshot,
  SessionSummary,
  Task,
  TaskPage,
  Why,
  WireError,
} from "./wire.ts";
