import {
  defineTask,
  type CallResult,
  type GenerateRequest,
  type ModelRequest,
  type Schema,
  type TaskOptions,
  type TaskType,
} from "../engine/index.ts";
import { isRecord } from "../core/json.ts";

/** An answer may take an hour of streaming: the endpoint's idle timeout says when it has stalled. */
const answerMsMax = 3_600_000;

/** Its own pool: a flood of other tasks does not keep a client from asking. */
const queue = "completions";

/** The door that submits these has read the client's words; whoever submits one by hand is told what is missing. */
const input: Schema<ModelRequest> = {
  "~standard": {
    validate(value) {
      if (isModelRequest(value)) return { value };
      return {
        issues: [
          {
            path: [],
            message:
              "must be {target: {endpoint, model}, call: {messages: [{role, content}, ...], ...}}; POST /v1/chat/completions makes it",
          },
        ],
      };
    },
  },
};

/** One try: a call is tried again by its own rules, and a lost worker counts as no try. */
const options: TaskOptions<ModelRequest> = {
  queue,
  input,
  priority: "interactive",
  timeoutMs: answerMsMax,
  retry: { attemptsMax: 1 },
};

/** A chat completion of the OpenAI door. */
export const completionTask: TaskType<ModelRequest, CallResult> = defineTask(
  "completion",
  options,
  (request, ctx) => ctx.generate("chat", requestOf(request)),
);

/** A response of the OpenAI door. */
export const responseTask: TaskType<ModelRequest, CallResult> = defineTask(
  "response",
  options,
  (request, ctx) => ctx.generate("chat", requestOf(request)),
);

function requestOf({ call, target }: ModelRequest): GenerateRequest {
  return { ...call, target, outsideTools: true };
}

function isModelRequest(value: unknown): value is ModelRequest {
  if (!isRecord(value) || !isRecord(value["target"]) || !isRecord(value["call"])) return false;
  const { endpoint, model } = value["target"];
  const { messages } = value["call"];
  return (
    typeof endpoint === "string" &&
    typeof model === "string" &&
    Array.isArray(messages) &&
    messages.every(isMessage)
  );
}

function isMessage(message: unknown): boolean {
  if (!isRecord(message) || typeof message["content"] !== "string") return false;
  const { role, toolCallId, toolCalls } = message;
  if (role === "tool") return typeof toolCallId === "string";
  if (role === "assistant") return toolCalls === undefined || Array.isArray(toolCalls);
  return role === "system" || role === "user";
}
