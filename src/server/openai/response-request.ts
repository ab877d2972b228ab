import { z } from "@hono/zod-openapi";

import type { Priority } from "../../core/queue/protocol.ts";
import type { ModelRequest } from "../../engine/index.ts";
import type { PromptMessage } from "../../ports/models.ts";
import {
  formatOf,
  invalidValue,
  modelField,
  passedFields,
  passedParameters,
  priorityOf,
  responseTools,
  temperatureField,
  tierField,
  toolChoiceField,
  toolsOf,
  userField,
  type FunctionFields,
  type ToolChoice,
} from "./request-fields.ts";
import { OpenAiRefusal } from "./errors.ts";
import { promptOf, type Item } from "./response-items.ts";

type Maybe<T> = T | null | undefined;

/** What of a response's body is read. */
export interface ResponseBody {
  readonly model: string;
  readonly input?: unknown;
  readonly instructions?: Maybe<string>;
  readonly stream?: Maybe<boolean>;
  readonly background?: Maybe<boolean>;
  readonly store?: Maybe<boolean>;
  readonly previous_response_id?: Maybe<string>;
  readonly metadata?: Maybe<Readonly<Record<string, string>>>;
  readonly max_output_tokens?: Maybe<number>;
  readonly tools?: Maybe<readonly FunctionFields[]>;
  readonly tool_choice?: Maybe<ToolChoice>;
  readonly text?: Maybe<{ readonly format?: unknown }>;
  readonly reasoning?: Maybe<{ readonly effort?: Maybe<string> }>;
  readonly background_options?: Maybe<{ readonly completion_window?: Maybe<string> }>;
  readonly temperature?: Maybe<number>;
  readonly service_tier?: Maybe<string>;
  readonly user?: Maybe<string>;
  readonly safety_identifier?: Maybe<string>;
}

/** `POST /v1/responses`. Fields that are not named are accepted and ignored. */
export const responseBody: z.ZodType<ResponseBody> = z
  .looseObject({
    ...passedFields,
    model: modelField,
    input: z.unknown().optional().openapi({ description: "Text, or a list of items" }),
    instructions: z.string().nullish(),
    stream: z.boolean().nullish(),
    background: z.boolean().nullish(),
    store: z.boolean().nullish(),
    previous_response_id: z.string().max(64).nullish(),
    metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
    max_output_tokens: z.int().min(1).nullish(),
    tools: responseTools.nullish(),
    tool_choice: toolChoiceField.nullish(),
    text: z.looseObject({ format: z.looseObject({}).nullish() }).nullish(),
    reasoning: z.looseObject({ effort: z.string().max(20).nullish() }).nullish(),
    background_options: z
      .looseObject({ completion_window: z.enum(["soonest", "2h", "8h"]).nullish() })
      .nullish(),
    temperature: temperatureField,
    service_tier: tierField,
    user: userField,
    safety_identifier: userField,
  })
  .openapi("ResponseRequest");

/** What the client said, kept with the task so that the response can say it again. */
export interface Asked {
  readonly model: string;
  readonly items: readonly Item[];
  readonly instructions: string | null;
  readonly background: boolean;
  readonly store: boolean;
  readonly previous: string | null;
  readonly said: Readonly<Record<string, unknown>>;
}

/** Fields that a response repeats, with what they are if nothing was said. */
const repeated: Readonly<Record<string, unknown>> = {
  metadata: {},
  parallel_tool_calls: true,
  temperature: null,
  top_p: null,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  truncation: "disabled",
  max_output_tokens: null,
  max_tool_calls: null,
  top_logprobs: 0,
  reasoning: { effort: null, summary: null },
  user: null,
  safety_identifier: null,
  prompt_cache_key: null,
  background_options: undefined,
};

/** Every repeated field of a response. A task that came another way may hold others, which are not told. */
export function repeatedFields({ said }: Asked): Readonly<Record<string, unknown>> {
  const known = Object.entries(said).filter(([name]) => Object.hasOwn(repeated, name));
  return { ...repeated, ...Object.fromEntries(known) };
}

/** What is kept of a body. */
export function askedOf(body: ResponseBody, items: readonly Item[]): Asked {
  const given = Object.entries({ ...body }).filter(
    ([name, value]) => Object.hasOwn(repeated, name) && value !== undefined && value !== null,
  );
  return {
    model: body.model,
    items,
    instructions: body.instructions ?? null,
    background: body.background === true,
    store: body.store !== false,
    previous: body.previous_response_id ?? null,
    said: Object.fromEntries(given),
  };
}

/** The model call of a response: instructions, what was said earlier, its own input. */
export function responseCall(
  body: ResponseBody,
  earlier: readonly PromptMessage[],
  items: readonly Item[],
): ModelRequest["call"] {
  const format = formatOf(body.text?.format, "text.format");
  const effort = body.reasoning?.effort ?? undefined;
  const parameters = {
    ...passedParameters({ ...body }),
    ...format.parameters,
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
  };
  const instructions = body.instructions ?? "";
  const messages: PromptMessage[] = [
    ...(instructions === "" ? [] : [{ role: "system" as const, content: instructions }]),
    ...earlier,
    ...promptOf(items),
  ];
  if (messages.length === 0) {
    const message = "there is nothing to answer: input is empty";
    if (body.input !== undefined && body.input !== null) throw invalidValue("input", message);
    throw new OpenAiRefusal("invalid_request", message, "missing_required_parameter", "input");
  }
  return {
    messages,
    ...toolsOf(body.tools ?? [], body.tool_choice),
    ...(format.jsonSchema === undefined ? {} : { jsonSchema: format.jsonSchema }),
    ...(typeof body.temperature === "number" ? { temperature: body.temperature } : {}),
    ...(typeof body.max_output_tokens === "number" ? { maxTokens: body.max_output_tokens } : {}),
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
  };
}

/** Band of a response: its tier, else its completion window, else background for one that nobody waits for. */
export function responsePriority(body: ResponseBody): Priority {
  const window = body.background_options?.completion_window;
  if (window === "soonest") return priorityOf(body.service_tier, "interactive");
  if (window === "2h") return priorityOf(body.service_tier, "background");
  if (window === "8h") return priorityOf(body.service_tier, "batch");
  return priorityOf(body.service_tier, body.background === true ? "background" : "interactive");
}
