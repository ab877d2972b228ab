import { OpenAPIHono, z } from "@hono/zod-openapi";

import { describeError, type ErrorCode } from "../core/errors.ts";
import { exampleBodies } from "./examples.ts";
import { openaiStatus } from "./openai/errors.ts";
import { isOpenaiPath } from "./openai/routes.ts";
import { openaiErrorShape } from "./openai/shapes.ts";
import type { AnswerDoc, Operation } from "./operation.ts";
import { problemShape } from "./wire/schemas.ts";

type RouteConfig = Parameters<OpenAPIHono["openAPIRegistry"]["registerPath"]>[0];

/** Codes that every operation may answer with. */
const everywhere: readonly ErrorCode[] = ["forbidden", "internal"];

const requestIdHeader = {
  "X-Request-Id": {
    schema: { type: "string" },
    description: "Id of the request, also in the server's log",
  },
} as const;

/** The OpenAPI 3.1 document of these operations, from the schemas that parse their requests. */
export function openapiDocument(operations: readonly Operation[], version: string): object {
  const app = new OpenAPIHono();
  const { openAPIRegistry: registry } = app;
  registry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  registry.registerComponent("securitySchemes", "apiKey", {
    type: "apiKey",
    in: "header",
    name: "x-api-key",
  });
  for (const operation of operations) registry.registerPath(routeConfig(operation));
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Errand",
      version,
      description:
        "Durable background tasks: submit, close the tab, come back. Errors are problem+json with a `code`; a server without keys needs no authorization.",
    },
  });
}

function routeConfig(operation: Operation): RouteConfig {
  const { method, path, id, tag, summary, description, policy, body } = operation;
  return {
    method,
    path,
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: policy === "public" ? [] : [{ bearer: [] }, { apiKey: [] }],
    request: {
      ...parametersOf(operation),
      ...(body === undefined
        ? {}
        : {
            body: {
              required: body.required,
              content: {
                "application/json": {
                  schema: body.shown ?? body.schema,
                  ...(exampleBodies[id] === undefined ? {} : { example: exampleBodies[id] }),
                },
              },
            },
          }),
    },
    responses: { ...answersOf(operation), ...problemsOf(operation) },
  };
}

function parametersOf({
  params,
  query,
  headers,
}: Operation): Pick<NonNullable<RouteConfig["request"]>, "params" | "query" | "headers"> {
  const named = (headers ?? []).map(
    ({ name, description }) => [name, z.string().optional().openapi({ description })] as const,
  );
  return {
    ...(params instanceof z.ZodObject ? { params } : {}),
    ...(query instanceof z.ZodObject ? { query } : {}),
    ...(named.length === 0 ? {} : { headers: z.object(Object.fromEntries(named)) }),
  };
}

function answersOf({ answers }: Operation): RouteConfig["responses"] {
  return Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)]),
  );
}

function answerOf({
  description,
  schema,
  mediaType = "application/json",
  also,
  headers = {},
}: AnswerDoc): RouteConfig["responses"][string] {
  const named = Object.entries(headers).map(
    ([name, text]) => [name, { schema: { type: "string" }, description: text }] as const,
  );
  const content = {
    ...(schema === undefined ? {} : { [mediaType]: { schema } }),
    ...(also === undefined ? {} : { [also.mediaType]: { schema: also.schema } }),
  };
  return {
    description,
    headers: { ...requestIdHeader, ...Object.fromEntries(named) },
    ...(schema === undefined ? {} : { content }),
  };
}

/** HTTP status of a code at a path. */
export function statusAt(path: string, code: ErrorCode): number {
  return isOpenaiPath(path) ? openaiStatus(code) : describeError(code).status;
}

/** Every error answer, by status, with the codes it may carry. */
function problemsOf(operation: Operation): RouteConfig["responses"] {
  const content = isOpenaiPath(operation.path)
    ? { "application/json": { schema: openaiErrorShape } }
    : { "application/problem+json": { schema: problemShape } };
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codesOf(operation)) {
    const status = statusAt(operation.path, code);
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    Array.from(byStatus, ([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\`: ${describeError(code).title}`).join("; "),
        headers: requestIdHeader,
        content,
      },
    ]),
  );
}

/** Codes an operation may answer with: its own, those of what it takes, and those of all. */
export function codesOf({
  policy,
  params,
  query,
  body,
  headers,
  submits,
  errors,
}: Operation): readonly ErrorCode[] {
  const codes = new Set<ErrorCode>(everywhere);
  if (policy !== "public") codes.add("unauthenticated");
  if (params !== undefined) codes.add("not_found");
  if (query !== undefined || body !== undefined || headers !== undefined)
    codes.add("invalid_request");
  if (body !== undefined) {
    codes.add("too_large");
    codes.add("unsupported_media_type");
  }
  if (submits === true) codes.add("rate_limited");
  for (const code of errors ?? []) codes.add(code);
  return [...codes];
}
