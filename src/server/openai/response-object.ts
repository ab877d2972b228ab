import { ErrandError } from "../../core/errors.ts";
import { isRecord } from "../../core/json.ts";
import type { CallResult, ModelRequest, TaskView } from "../../engine/index.ts";
import { countedTokens, resultOf } from "./answer-output.ts";
import { openaiError } from "./errors.ts";
import { tierOf } from "./request-fields.ts";
import { answerMessage, outputItems, type Item, type Tail } from "./response-items.ts";
import { repeatedFields, type Asked } from "./response-request.ts";

const idPattern = /^resp_([0-9a-hjkmnp-tv-z]{26})$/;

/** Id of the task behind a response; null if it is no response's id. */
export function taskOfResponse(id: string): string | null {
  const tail = idPattern.exec(id)?.[1];
  return tail === undefined ? null : `task_${tail}`;
}

/** The end of a task's id, which its response's ids share. */
export function tailOf(taskId: string): Tail {
  return taskId.slice("task_".length);
}

/** Id of a task's response. */
export function responseId(taskId: string): string {
  return `resp_${tailOf(taskId)}`;
}

/** A response's task with what was asked; null for a task that this door has not made. */
export interface ResponseTask {
  readonly view: TaskView;
  readonly request: ModelRequest;
  readonly asked: Asked;
}

/** Reads a task as a response; null if it is none. */
export function responseOf(view: TaskView): ResponseTask | null {
  if (view.type !== "response" || !isRequest(view.input) || !isAsked(view.input.asked)) return null;
  return { view, request: view.input, asked: view.input.asked };
}

function isRequest(input: unknown): input is ModelRequest {
  return isRecord(input) && isRecord(input["call"]) && isRecord(input["target"]);
}

/** A task of this type may also come through the own API, and then says what it likes. */
function isAsked(asked: unknown): asked is Asked {
  if (!isRecord(asked) || !isRecord(asked["said"]) || !Array.isArray(asked["items"])) return false;
  const { model, instructions, background, store, previous } = asked;
  return (
    typeof model === "string" &&
    typeof background === "boolean" &&
    typeof store === "boolean" &&
    asked["items"].every(isRecord) &&
    [instructions, previous].every((value) => value === null || typeof value === "string")
  );
}

/** How a response stands, in OpenAI's words. */
export type ResponseStatus =
  | "queued"
  | "in_progress"
  | "completed"
  | "incomplete"
  | "failed"
  | "cancelled";

/** Status of a task as a response. */
export function responseStatus(view: TaskView): ResponseStatus {
  switch (view.status) {
    case "completed": {
      const finish = resultOf(view.output)?.finish;
      return finish === "length" || finish === "filter" ? "incomplete" : "completed";
    }
    case "failed":
    case "expired":
      return "failed";
    case "cancelled":
      return "cancelled";
    default:
      return view.startedAt === null ? "queued" : "in_progress";
  }
}

/** What an answer is: whole, or what there is of it. */
export function outputOf(view: TaskView, status: ResponseStatus): readonly Item[] {
  const result = resultOf(view.output);
  const tail = tailOf(view.id);
  if (view.status === "completed" && result !== null)
    return outputItems(tail, result, status === "incomplete" ? "incomplete" : "completed");
  if (view.partial === null || view.partial === "") return [];
  return [
    answerMessage(tail, view.partial, status === "in_progress" ? "in_progress" : "incomplete"),
  ];
}

/** A response as a whole. `status` and `output` are the task's unless an event says how it stood before. */
export function responseJson(
  { view, asked }: ResponseTask,
  status: ResponseStatus = responseStatus(view),
  output: readonly Item[] = outputOf(view, status),
): Item {
  const result = view.status === "completed" ? resultOf(view.output) : null;
  const isOver = view.completedAt !== null && status !== "queued" && status !== "in_progress";
  return {
    id: responseId(view.id),
    object: "response",
    created_at: seconds(view.createdAt),
    status,
    background: asked.background,
    completed_at: isOver && status !== "cancelled" ? seconds(view.completedAt ?? "") : null,
    error: status === "failed" ? failureOf(view) : null,
    incomplete_details: status === "incomplete" ? { reason: cutReason(result) } : null,
    instructions: asked.instructions,
    model: asked.model,
    output,
    previous_response_id: asked.previous,
    service_tier: tierOf(view.priority),
    store: asked.store,
    usage: result === null || !isOver ? null : usageJson(result),
    ...repeatedFields(asked),
  };
}

function seconds(iso: string): number {
  return Math.floor(Date.parse(iso) / 1_000);
}

function cutReason(result: CallResult | null): string {
  return result?.finish === "filter" ? "content_filter" : "max_output_tokens";
}

/** Clients know few codes: what is not one of them is the server's. */
function failureOf({ error, status }: TaskView): Item {
  const { code = "internal" as const, message = `the task is ${status}` } = error ?? {};
  const told = openaiError(new ErrandError(code, message));
  const known = told.code === "rate_limit_exceeded" || told.code === "context_length_exceeded";
  return { code: known ? told.code : "server_error", message: told.message };
}

function usageJson(result: CallResult): Item {
  const { input, output, total } = countedTokens(result);
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: total,
  };
}
