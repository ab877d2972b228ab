import { z } from "@hono/zod-openapi";

import type { ModelRequest } from "../../engine/index.ts";
import type { PromptMessage, ToolCall } from "../../ports/models.ts";
import {
  argumentsOf,
  chatTools,
  contentText,
  formatOf,
  invalidValue,
  modelField,
  passedFields,
  passedParameters,
  toolChoiceField,
  temperatureField,
  tierField,
  toolsOf,
  userField,
  type FunctionFields,
  type ToolChoice,
} from "./request-fields.ts";

const roles = ["developer", "system", "user", "assistant", "tool"] as const;

/** One message of the conversation. */
export interface AskedMessage {
  readonly role: "developer" | "system" | "user" | "assistant" | "tool";
  readonly content?: unknown;
  readonly tool_calls?:
    | readonly {
        readonly id: string;
        readonly function: { readonly name: string; readonly arguments?: string | undefined };
      }[]
    | null
    | undefined;
  readonly tool_call_id?: string | null | undefined;
}

const toolCall = z.looseObject({
  id: z.string().min(1).max(256),
  type: z.literal("function").optional(),
  function: z.looseObject({
    name: z.string().min(1).max(256),
    arguments: z.string().optional(),
  }),
});

const message = z.looseObject({
  role: z.enum(roles),
  content: z.unknown().optional(),
  tool_calls: z.array(toolCall).max(128).nullish(),
  tool_call_id: z.string().max(256).nullish(),
});

/** What of a chat completion's body is read. */
export interface CompletionBody {
  readonly model: string;
  readonly messages: readonly AskedMessage[];
  readonly stream?: boolean | null | undefined;
  readonly stream_options?:
    | { readonly include_usage?: boolean | null | undefined }
    | null
    | undefined;
  readonly max_tokens?: number | null | undefined;
  readonly max_completion_tokens?: number | null | undefined;
  readonly tools?: readonly { readonly function: FunctionFields }[] | null | undefined;
  readonly tool_choice?: ToolChoice | null | undefined;
  readonly response_format?: unknown;
  readonly temperature?: number | null | undefined;
  readonly service_tier?: string | null | undefined;
  readonly user?: string | null | undefined;
  readonly safety_identifier?: string | null | undefined;
}

/** `POST /v1/chat/completions`. Fields that are not named are accepted and ignored, as OpenAI's clients expect. */
export const completionBody: z.ZodType<CompletionBody> = z
  .looseObject({
    ...passedFields,
    model: modelField,
    messages: z.array(message).min(1).max(10_000),
    stream: z.boolean().nullish(),
    stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
    n: z.literal(1).nullish(),
    max_tokens: z.int().min(1).nullish(),
    max_completion_tokens: z.int().min(1).nullish(),
    tools: chatTools.nullish(),
    tool_choice: toolChoiceField.nullish(),
    response_format: z.looseObject({}).nullish(),
    temperature: temperatureField,
    service_tier: tierField,
    user: userField,
    safety_identifier: userField,
  })
  .openapi("ChatCompletionRequest");

/** The model call that a body asks for. Throws `invalid_request` with the field. */
export function callOf(body: CompletionBody): ModelRequest["call"] {
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  const format = formatOf(body.response_format, "response_format");
  const passed = passedParameters({ ...body });
  const parameters =
    passed === undefined && format.parameters === undefined
      ? undefined
      : { ...passed, ...format.parameters };
  return {
    messages: body.messages.map(promptMessage),
    ...toolsOf(
      (body.tools ?? []).map((tool) => tool.function),
      body.tool_choice,
    ),
    ...(format.jsonSchema === undefined ? {} : { jsonSchema: format.jsonSchema }),
    ...(typeof body.temperature === "number" ? { temperature: body.temperature } : {}),
    ...(typeof maxTokens === "number" ? { maxTokens } : {}),
    ...(parameters === undefined ? {} : { parameters }),
  };
}

function promptMessage(
  { role, content, tool_calls: calls, tool_call_id: toolCallId }: AskedMessage,
  index: number,
): PromptMessage {
  const param = `messages.${index}`;
  const text = contentText(content, `${param}.content`);
  switch (role) {
    case "developer":
    case "system":
      return { role: "system", content: text };
    case "user":
      return { role: "user", content: text };
    case "tool":
      if (typeof toolCallId === "string") return { role: "tool", toolCallId, content: text };
      throw invalidValue(`${param}.tool_call_id`, `${param} needs the tool_call_id it answers`);
    case "assistant": {
      const toolCalls = (calls ?? []).map((call, at): ToolCall => ({
        id: call.id,
        name: call.function.name,
        input: argumentsOf(call.function.arguments, `${param}.tool_calls.${at}.function.arguments`),
      }));
      return { role, content: text, ...(toolCalls.length === 0 ? {} : { toolCalls }) };
    }
  }
}
