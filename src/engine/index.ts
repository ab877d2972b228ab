/**
 * The engine's public API: what task types, doors and hosts are written with.
 * @module
 */
export { ErrandError, type ErrorCode, type ErrorData, type FieldError } from "../core/errors.ts";
export type { CallResult, Progress } from "../core/task/events.ts";
export type { TaskView } from "../core/task/view.ts";
export type {
  Approved,
  ApproveOptions,
  Child,
  EmbedRequest,
  GenerateRequest,
  LanguageModelFactory,
  SpawnOptions,
  StepContext,
  TaskContext,
  ToolBox,
  ToolDefinition,
} from "./context.ts";
export {
  defineTask,
  type AnyTaskType,
  type Schema,
  type SchemaResult,
  type TaskOptions,
  type TaskType,
} from "./define.ts";
export {
  endpointQueue,
  roleNames,
  Roles,
  unknownModel,
  type Endpoint,
  type RoleTarget,
} from "./endpoints.ts";
export { Engine, type Submitted } from "./engine.ts";
export type { TaskEnd } from "./end-waiters.ts";
export { FatalError, RetryAfterError } from "./failures.ts";
export {
  isAfter,
  type FeedEvent,
  type ApprovalChange,
  type ReminderChange,
  type SessionChange,
  type TodoChange,
  type UserFeedEvent,
} from "./feed/feed-event.ts";
export type { FeedReader } from "./feed/task-feed.ts";
export { readingNames, type Homes, type Readings } from "./homes.ts";
export type { LaneAdded, LaneEntry, Lanes, LaneStart } from "./lanes.ts";
export { vectorCall, type ModelRequest, type VectorRequest } from "./model-request.ts";
export type { EstimateView, ModelSpeedView, Place, QueueView, WhyView } from "./queue-views.ts";
export type { Approvals } from "./approvals.ts";
export type { Reminders, ReminderWish } from "./reminders.ts";
export type { Imported, SessionPart } from "./portable.ts";
export type { Envelope } from "./envelope.ts";
export type { LaneView, Reader, SessionSummary, TaskRead } from "./reader.ts";
export type { Said, Say } from "./sessions.ts";
export {
  plannerChatId,
  type Todos,
  type TodoDraft,
  type TodoOrigin,
  type TodoDone,
} from "./todos.ts";
export { unpackVector, vectorsOf } from "./vectors.ts";
export { isZone } from "./zone.ts";
export {
  poolSlotsDefault,
  type EnginePorts,
  type EngineSettings,
  type SubmitOptions,
} from "./settings.ts";
