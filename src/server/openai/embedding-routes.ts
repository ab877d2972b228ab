import { z } from "@hono/zod-openapi";

import { unpackVector, vectorCall, vectorsOf, type CallResult } from "../../engine/index.ts";
import { json } from "../answer.ts";
import { operation, type Operation } from "../operation.ts";
import { idempotencyHeader } from "../routes/task-routes.ts";
import { answerErrors } from "./chat-routes.ts";
import { invalidValue, modelField, priorityOf, tierField, userField } from "./request-fields.ts";
import { embeddingsShape } from "./shapes.ts";
import {
  awaitEnd,
  cancelsOnLeave,
  endError,
  leaveHeader,
  placeHeaders,
  submitWanted,
} from "./submission.ts";

/** Texts of one request, as OpenAI has it. */
const textsMax = 2_048;

/** What of the body is read. */
interface EmbeddingBody {
  readonly model: string;
  readonly input: string | readonly string[];
  readonly encoding_format?: "float" | "base64" | null | undefined;
  readonly dimensions?: number | null | undefined;
  readonly service_tier?: string | null | undefined;
  readonly user?: string | null | undefined;
}

const embeddingBody: z.ZodType<EmbeddingBody> = z
  .looseObject({
    model: modelField,
    input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(textsMax)]).openapi({
      description: "Text, or up to 2,048 texts; tokens are not read",
    }),
    encoding_format: z.enum(["float", "base64"]).nullish(),
    dimensions: z.int().min(1).nullish(),
    service_tier: tierField,
    user: userField,
  })
  .openapi("EmbeddingRequest");

/** `POST /v1/embeddings`. */
export function embeddingRoute(): Operation {
  return operation({
    method: "post",
    path: "/v1/embeddings",
    policy: "user",
    id: "createEmbeddings",
    tag: "openai",
    summary: "Make vectors of texts, as OpenAI's Embeddings",
    submits: true,
    headers: [idempotencyHeader, leaveHeader],
    body: { schema: embeddingBody, required: true },
    answers: {
      200: { description: "The vectors", schema: embeddingsShape, headers: placeHeaders },
    },
    errors: answerErrors,
    async handle(call, server) {
      const { body } = call;
      if (typeof body.dimensions === "number")
        throw invalidValue("dimensions", "vectors have the length their model gives them");
      // Asked for its word on leaving before anything is made.
      cancelsOnLeave(call.request);
      const texts = typeof body.input === "string" ? [body.input] : body.input;
      const { taskId, headers } = await submitWanted(server, call, {
        type: "embedding",
        request: { target: await server.catalogue.find(body.model), texts },
        priority: priorityOf(body.service_tier, "interactive"),
        awaited: true,
        user: body.user ?? null,
      });
      const end = await awaitEnd(server, call, taskId);
      if (end.status !== "completed") throw endError(taskId, end);
      const results = await server.engine.reader.callResults(taskId);
      const vectors = vectorsIn(results, texts.length);
      const tokens = tokensIn(results);
      const isPacked = body.encoding_format === "base64";
      return json(
        {
          object: "list",
          data: vectors.map((packed, index) => ({
            object: "embedding",
            index,
            embedding: isPacked ? packed : unpackVector(packed),
          })),
          model: body.model,
          usage: { prompt_tokens: tokens, total_tokens: tokens },
        },
        200,
        headers,
      );
    },
  });
}

/** The packed vectors of all calls, in the order of the texts. */
function vectorsIn(results: ReadonlyMap<string, CallResult>, count: number): readonly string[] {
  const vectors: string[] = [];
  while (vectors.length < count) {
    const part = vectorsOf(results.get(`call:${vectorCall(vectors.length)}`)?.text ?? "");
    if (part.length === 0) break;
    vectors.push(...part);
  }
  return vectors;
}

/** Tokens of the texts as the endpoint counted them; 0 where it does not count. */
function tokensIn(results: ReadonlyMap<string, CallResult>): number {
  let tokens = 0;
  for (const { usage } of results.values()) tokens += usage?.inputTokens ?? 0;
  return tokens;
}
