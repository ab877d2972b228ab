import {
  defineTask,
  vectorCall,
  type CallResult,
  type GenerateRequest,
  type ModelRequest,
  type Schema,
  type TaskOptions,
  type TaskType,
  type VectorRequest,
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
  firstCall: (request) => ({ role: "chat", request: requestOf(request) }),
  internal: true,
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
  return { ...call, target, outsideTools: true, last: true };
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

/** Texts of the first call: it tells how long the vectors are. */
const firstTexts = 16;
/** Texts of one call, whatever their vectors' length. */
const textsMax = 256;
/** Characters of base64 that one call's result may take. */
const vectorCharsMax = 900_000;

const vectorInput: Schema<VectorRequest> = {
  "~standard": {
    validate(value) {
      if (isVectorRequest(value)) return { value };
      const message =
        "must be {target: {endpoint, model}, texts: [...]}; POST /v1/embeddings makes it";
      return { issues: [{ path: [], message }] };
    },
  },
};

/**
 * Embeddings of the OpenAI door. The vectors are the results of its calls, as many texts at a time as one result holds;
 * the output says how many there are.
 */
export const embeddingTask: TaskType<
  VectorRequest,
  { readonly count: number; readonly dimensions: number }
> = defineTask(
  "embedding",
  { queue, input: vectorInput, priority: "interactive", retry: { attemptsMax: 1 }, internal: true },
  async ({ target, texts }, ctx) => {
    let dimensions = 0;
    for (let at = 0; at < texts.length;) {
      const part = texts.slice(at, at + (at === 0 ? firstTexts : textsOf(dimensions)));
      // One after the other: each waits in line like any call, and none holds the endpoint for the whole.
      // oxlint-disable-next-line no-await-in-loop
      const vectors = await ctx.embed("embed", { texts: part, target, name: vectorCall(at) });
      dimensions = vectors[0]?.length ?? 0;
      at += part.length;
    }
    return { count: texts.length, dimensions };
  },
);

function textsOf(dimensions: number): number {
  const chars = Math.ceil((dimensions * 4) / 3) * 4 + 1;
  return Math.max(1, Math.min(textsMax, Math.floor(vectorCharsMax / chars)));
}

function isVectorRequest(value: unknown): value is VectorRequest {
  if (!isRecord(value) || !isRecord(value["target"]) || !Array.isArray(value["texts"]))
    return false;
  const { endpoint, model } = value["target"];
  return (
    typeof endpoint === "string" &&
    typeof model === "string" &&
    value["texts"].every((text) => typeof text === "string")
  );
}
