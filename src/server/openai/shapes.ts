import { z } from "@hono/zod-openapi";

/** An error below `/v1`. */
export const openaiErrorShape: z.ZodType = z
  .strictObject({
    error: z.strictObject({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string().nullable(),
    }),
  })
  .openapi("OpenAiError");

/** A model of the list. */
export const modelShape: z.ZodType = z
  .strictObject({
    id: z.string(),
    object: z.literal("model"),
    created: z.int(),
    owned_by: z.string(),
  })
  .openapi("Model");

/** The list of models. */
export const modelListShape: z.ZodType = z
  .strictObject({ object: z.literal("list"), data: z.array(modelShape) })
  .openapi("ModelList");

const toolCallShape = z.strictObject({
  id: z.string(),
  type: z.literal("function"),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
});

const messageShape = z.strictObject({
  role: z.literal("assistant"),
  content: z.string().nullable(),
  refusal: z.null(),
  annotations: z.array(z.unknown()),
  reasoning_content: z.string().optional(),
  tool_calls: z.array(toolCallShape).optional(),
});

/** A whole chat completion. */
export const completionShape: z.ZodType = z
  .strictObject({
    id: z.string(),
    object: z.literal("chat.completion"),
    created: z.int(),
    model: z.string(),
    service_tier: z.string(),
    system_fingerprint: z.null(),
    choices: z.array(
      z.strictObject({
        index: z.int(),
        message: messageShape,
        logprobs: z.null(),
        finish_reason: z.enum(["stop", "length", "tool_calls", "content_filter"]),
      }),
    ),
    usage: z.strictObject({
      prompt_tokens: z.int(),
      completion_tokens: z.int(),
      total_tokens: z.int(),
      prompt_tokens_details: z.strictObject({ cached_tokens: z.int() }),
      completion_tokens_details: z.strictObject({ reasoning_tokens: z.int() }),
    }),
  })
  .openapi("ChatCompletion");

const itemShape = z.looseObject({ id: z.string(), type: z.string() });

/** A response. */
export const responseShape: z.ZodType = z
  .looseObject({
    id: z.string(),
    object: z.literal("response"),
    created_at: z.int(),
    status: z.enum(["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]),
    background: z.boolean(),
    completed_at: z.int().nullable(),
    error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
    incomplete_details: z.strictObject({ reason: z.string() }).nullable(),
    instructions: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    model: z.string(),
    output: z.array(itemShape),
    previous_response_id: z.string().nullable(),
    usage: z
      .looseObject({ input_tokens: z.int(), output_tokens: z.int(), total_tokens: z.int() })
      .nullable(),
  })
  .openapi("Response");

/** A deleted response. */
export const deletedShape: z.ZodType = z
  .strictObject({
    id: z.string(),
    object: z.literal("response.deleted"),
    deleted: z.literal(true),
  })
  .openapi("ResponseDeleted");

/** A page of a response's input. */
export const itemListShape: z.ZodType = z
  .strictObject({
    object: z.literal("list"),
    data: z.array(itemShape),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  })
  .openapi("ItemList");

/** Vectors, in the order of their texts. */
export const embeddingsShape: z.ZodType = z
  .strictObject({
    object: z.literal("list"),
    data: z.array(
      z.strictObject({
        object: z.literal("embedding"),
        index: z.int(),
        embedding: z.union([z.string(), z.array(z.number())]),
      }),
    ),
    model: z.string(),
    usage: z.strictObject({ prompt_tokens: z.int(), total_tokens: z.int() }),
  })
  .openapi("Embeddings");
