import { z } from "@hono/zod-openapi";

import { isName } from "../../core/ids.ts";
import { isRecord } from "../../core/json.ts";
import type { Priority } from "../../core/queue/protocol.ts";
import type { ModelRequest } from "../../engine/index.ts";
import type { Identity } from "../guard/identify.ts";
import { OpenAiRefusal } from "./errors.ts";

type Call = ModelRequest["call"];

/** Tools of one request. */
const toolsMax = 128;
/** Longest text of a name. */
const nameCharsMax = 256;

/** A model's id, or a role's name. */
export const modelField: z.ZodString = z
  .string()
  .min(1)
  .max(nameCharsMax)
  .openapi({ description: "A model id of /v1/models, or a role such as `chat`" });

const nameText = z.string().min(1).max(nameCharsMax);

/** A function a model may call. */
export interface FunctionFields {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly parameters?: Readonly<Record<string, unknown>> | null | undefined;
  readonly strict?: boolean | null | undefined;
}

/** The name of a function in either protocol's `tool_choice`. */
export type ToolChoice =
  | "auto"
  | "none"
  | "required"
  | {
      readonly type: "function";
      readonly name?: string | undefined;
      readonly function?: { readonly name: string } | undefined;
    };

const functionFields = z.looseObject({
  name: nameText,
  description: z.string().nullish(),
  parameters: z.looseObject({}).nullish(),
  strict: z.boolean().nullish(),
});

/** `tools` of Chat Completions. */
export const chatTools: z.ZodType<readonly { readonly function: FunctionFields }[]> = z
  .array(z.looseObject({ type: z.literal("function"), function: functionFields }))
  .max(toolsMax);

/** `tools` of Responses. */
export const responseTools: z.ZodType<readonly FunctionFields[]> = z
  .array(functionFields.extend({ type: z.literal("function") }))
  .max(toolsMax);

/** `tool_choice` of either. */
export const toolChoiceField: z.ZodType<ToolChoice> = z.union([
  z.enum(["auto", "none", "required"]),
  z.looseObject({
    type: z.literal("function"),
    name: nameText.optional(),
    function: z.looseObject({ name: nameText }).optional(),
  }),
]);

/** Parameters that are sent on to the endpoint as they came, and what they may be. */
export const passedFields: Readonly<Record<string, z.ZodType>> = {
  top_p: z.number().min(0).max(1).nullish(),
  stop: z.union([z.string().max(1_000), z.array(z.string().max(1_000)).max(16)]).nullish(),
  seed: z.int().nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  reasoning_effort: z.string().max(20).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  top_k: z.number().nullish(),
  min_p: z.number().nullish(),
  repeat_penalty: z.number().nullish(),
};

/** `temperature`. */
export const temperatureField: z.ZodType<number | null | undefined> = z
  .number()
  .min(0)
  .max(2)
  .nullish();

/** `service_tier`: which band a request waits in. */
export const tierField: z.ZodType<string | null | undefined> = z
  .string()
  .max(40)
  .nullish()
  .openapi({
    description: "`default`, `auto`, `priority`: interactive; `flex`: background; `batch`: batch",
  });

/** `user` and its newer name, `safety_identifier`: who is charged, under the admin's key. */
export const userField: z.ZodType<string | null | undefined> = z.string().max(512).nullish();

/** Those of the passed parameters that were given; undefined if none was. */
export function passedParameters(
  body: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined {
  const given = Object.keys(passedFields).filter(
    (name) => body[name] !== undefined && body[name] !== null,
  );
  if (given.length === 0) return undefined;
  return Object.fromEntries(given.map((name) => [name, body[name]]));
}

/** Tools and their choice as a model call has them. A named function is the only tool then, and required. */
export function toolsOf(
  tools: readonly FunctionFields[],
  choice: ToolChoice | null | undefined,
): Pick<Call, "tools" | "toolChoice"> {
  const specs = tools.map(({ name, description, parameters, strict }) => ({
    name,
    description: description ?? "",
    inputSchema: parameters ?? { type: "object", properties: {} },
    ...(typeof strict === "boolean" ? { strict } : {}),
  }));
  if (specs.length === 0) {
    if (choice === null || choice === undefined || choice === "auto" || choice === "none")
      return {};
    throw invalidValue("tool_choice", "tool_choice asks for a tool, but there are no tools");
  }
  if (choice === null || choice === undefined) return { tools: specs };
  if (typeof choice === "string") return { tools: specs, toolChoice: choice };
  const name = choice.name ?? choice.function?.name ?? "";
  const chosen = specs.filter((spec) => spec.name === name);
  if (chosen.length > 0) return { tools: chosen, toolChoice: "required" };
  throw invalidValue("tool_choice", `tool_choice names a function that is not in tools`);
}

/** `response_format`, or `text.format`: text, an object, or what fits a schema. */
export function formatOf(
  format: unknown,
  param: string,
): Pick<Call, "jsonSchema"> & { readonly parameters?: Readonly<Record<string, unknown>> } {
  if (format === undefined || format === null) return {};
  const fields = isRecord(format) ? format : {};
  const { type } = fields;
  if (type === "text") return {};
  if (type === "json_object") return { parameters: { response_format: { type } } };
  // Responses has the schema's fields beside `type`, Chat Completions below `json_schema`.
  const spec = isRecord(fields["json_schema"]) ? fields["json_schema"] : fields;
  const { name, schema, strict } = spec;
  if (type !== "json_schema" || typeof name !== "string" || name.length > nameCharsMax)
    throw invalidValue(
      param,
      `${param} must be {type: "text"}, {type: "json_object"} or {type: "json_schema"} with a name and a schema`,
    );
  return {
    jsonSchema: {
      name,
      schema: schema ?? {},
      ...(typeof strict === "boolean" ? { strict } : {}),
    },
  };
}

/** Text of a message: a string, or parts of text. Anything else, such as a picture, is refused by name. */
export function contentText(content: unknown, param: string): string {
  if (typeof content === "string") return content;
  if (content === null || content === undefined) return "";
  if (!Array.isArray(content))
    throw invalidValue(param, `${param} must be text or a list of parts`);
  return content.map((part, index) => partText(part, `${param}.${index}`)).join("");
}

const textParts: ReadonlySet<unknown> = new Set(["text", "input_text", "output_text"]);

function partText(part: unknown, param: string): string {
  const fields = isRecord(part) ? part : {};
  const { type, text, refusal } = fields;
  if (textParts.has(type) && typeof text === "string") return text;
  if (type === "refusal" && typeof refusal === "string") return refusal;
  const named = typeof type === "string" ? type.slice(0, 40) : "without a type";
  throw invalidValue(`${param}.type`, `this server reads parts of text only, not "${named}"`);
}

/** A tool call's arguments: JSON text, which a model wrote and a client sends back. */
export function argumentsOf(text: unknown, param: string): unknown {
  if (text === undefined || text === "") return {};
  try {
    if (typeof text === "string") return JSON.parse(text);
  } catch {
    // Said below, with its place.
  }
  throw invalidValue(param, `${param} must be JSON text`);
}

/** A field holds what it must not. */
export function invalidValue(param: string, message: string): OpenAiRefusal {
  return new OpenAiRefusal("invalid_request", message, "invalid_value", param);
}

/** Band of a service tier. Words that are not known are `auto`: clients send what their vendors invent. */
export function priorityOf(tier: string | null | undefined, usual: Priority): Priority {
  if (tier === "flex") return "background";
  if (tier === "batch") return "batch";
  return tier === "default" || tier === "priority" || tier === "fast" ? "interactive" : usual;
}

/** The tier that was used, as it is told. */
export function tierOf(priority: Priority): string {
  if (priority === "interactive") return "default";
  return priority === "background" ? "flex" : "batch";
}

/** Who is charged: the key's user, or whom the holder of the admin's key asks for. */
export async function fairnessKeyOf(
  who: Identity,
  body: {
    readonly user?: string | null | undefined;
    readonly safety_identifier?: string | null | undefined;
  },
  digest: (text: string) => Promise<string>,
): Promise<string | undefined> {
  const asked = body.user ?? body.safety_identifier ?? "";
  if (!who.isAdmin || asked === "") return undefined;
  const name = `user:${asked}`;
  return isName(name) ? name : `user:${(await digest(asked)).slice(0, 32)}`;
}
