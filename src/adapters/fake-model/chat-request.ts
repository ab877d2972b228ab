import { isRecord } from "../../core/json.ts";

/** One message as far as the fake model looks at it. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  readonly toolCallId: string | undefined;
  readonly toolCalls: readonly { readonly id: string; readonly name: string }[];
}

/** A `POST /v1/chat/completions` body, read. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly { readonly name: string; readonly parameters: unknown }[];
  readonly toolChoice: string;
  /** Undefined: text; otherwise JSON is asked for. */
  readonly schema: unknown;
  readonly maxTokens: number | undefined;
  readonly isStream: boolean;
  readonly withUsage: boolean;
  /** An assistant message at the end is a partial answer to be gone on with. */
  readonly goesOn: boolean;
}

/** Reads a request body for a server that goes on with partial answers in its way, or answers anew; answers what is wrong with it in words if it is none. */
export function readChatRequest(
  body: unknown,
  way: "prefill" | "continue" | "anew" = "prefill",
): ChatRequest | string {
  if (!isRecord(body)) return "the body must be a JSON object";
  const messages = body["messages"];
  if (!Array.isArray(messages) || messages.length === 0)
    return "messages must be an array with at least one message";
  if (!messages.every((message) => isRecord(message) && typeof message["role"] === "string"))
    return "each message must be an object with a role";
  const options = body["stream_options"];
  const maxTokens = body["max_completion_tokens"] ?? body["max_tokens"];
  return {
    model: textOf(body["model"]) || "fake-model",
    messages: messages.map(readMessage),
    tools: readTools(body["tools"]),
    toolChoice: textOf(body["tool_choice"]) || "auto",
    schema: readSchema(body["response_format"]),
    maxTokens: typeof maxTokens === "number" && maxTokens > 0 ? Math.floor(maxTokens) : undefined,
    isStream: body["stream"] === true,
    withUsage: isRecord(options) && options["include_usage"] === true,
    goesOn: way === "prefill" || (way === "continue" && body["continue_final_message"] === true),
  };
}

function readMessage(message: unknown): ChatMessage {
  const fields = isRecord(message) ? message : {};
  const calls = fields["tool_calls"];
  const toolCallId = fields["tool_call_id"];
  return {
    role: textOf(fields["role"]),
    content: contentOf(fields["content"]),
    toolCallId: typeof toolCallId === "string" ? toolCallId : undefined,
    toolCalls: Array.isArray(calls)
      ? calls.filter(isRecord).map((call) => ({
          id: textOf(call["id"]),
          name: isRecord(call["function"]) ? textOf(call["function"]["name"]) : "",
        }))
      : [],
  };
}

/** A string, or a list of parts of which the text ones count. */
function contentOf(content: unknown): string {
  if (!Array.isArray(content)) return textOf(content);
  return content.map((part) => (isRecord(part) ? textOf(part["text"]) : "")).join("");
}

function readTools(tools: unknown): ChatRequest["tools"] {
  if (!Array.isArray(tools)) return [];
  return tools.filter(isRecord).flatMap((tool) => {
    const details = tool["function"];
    return isRecord(details) && typeof details["name"] === "string"
      ? [{ name: details["name"], parameters: details["parameters"] }]
      : [];
  });
}

function readSchema(format: unknown): unknown {
  if (!isRecord(format)) return undefined;
  if (format["type"] === "json_object")
    return { type: "object", properties: { answer: { type: "string" } } };
  const details = format["json_schema"];
  return format["type"] === "json_schema" && isRecord(details) ? details["schema"] : undefined;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
