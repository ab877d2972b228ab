import { isRecord } from "../../core/json.ts";
import type { ModelCall, PromptMessage } from "../../ports/models.ts";

/** Facts about an endpoint that change a request. */
export interface Dialect {
  /** OpenAI's reasoning models refuse `max_tokens`; most other servers know nothing else. */
  readonly maxTokensField: "max_tokens" | "max_completion_tokens";
}

/** The JSON body of `POST /chat/completions` for a call: always streamed, with usage in the last chunk. */
export function chatBody(call: ModelCall, dialect: Dialect): string {
  return JSON.stringify({
    ...call.parameters,
    model: call.model,
    messages: messagesBody(call),
    stream: true,
    stream_options: { include_usage: true },
    temperature: call.temperature,
    [dialect.maxTokensField]: call.maxTokens,
    ...toolsBody(call),
    ...(call.partial?.way === "continue" ? continueBody : {}),
    ...(call.jsonSchema === undefined ? {} : { response_format: formatBody(call.jsonSchema) }),
  });
}

/** What vLLM needs to go on with the last message instead of answering it. */
const continueBody = { continue_final_message: true, add_generation_prompt: false };

function messagesBody({ messages, partial }: ModelCall): readonly object[] {
  const bodies = messages.map(messageBody);
  return partial === undefined ? bodies : [...bodies, { role: "assistant", content: partial.text }];
}

function messageBody(message: PromptMessage): object {
  switch (message.role) {
    case "system":
    case "user":
      return { role: message.role, content: message.content };
    case "tool":
      return { role: "tool", tool_call_id: message.toolCallId, content: message.content };
    case "assistant":
      return assistantBody(message);
  }
}

function assistantBody(message: Extract<PromptMessage, { role: "assistant" }>): object {
  const calls = message.toolCalls ?? [];
  if (calls.length === 0) return { role: "assistant", content: message.content };
  return {
    role: "assistant",
    content: message.content === "" ? null : message.content,
    tool_calls: calls.map((call) => ({
      id: call.id,
      type: "function",
      function: { name: call.name, arguments: JSON.stringify(call.input) ?? "{}" },
    })),
  };
}

/** Without tools there is no `tool_choice` either: OpenAI refuses one without the other. */
function toolsBody(call: ModelCall): object {
  if (call.tools === undefined || call.tools.length === 0) return {};
  return {
    tools: call.tools.map((tool) => ({
      type: "function",
      function: {
        name: tool.name,
        description: tool.description,
        parameters: tool.inputSchema,
        strict: tool.strict,
      },
    })),
    tool_choice: call.toolChoice,
  };
}

/** OpenAI refuses `strict` for a schema that allows other properties. */
function formatBody(format: NonNullable<ModelCall["jsonSchema"]>): object {
  const { name, schema } = format;
  const strict = format.strict ?? (isRecord(schema) && schema["additionalProperties"] === false);
  return { type: "json_schema", json_schema: { name, schema, strict } };
}
