import { z } from "@hono/zod-openapi";
import { expect, test } from "vitest";

import { ErrandError } from "../../core/errors.ts";
import { openaiError } from "../openai/errors.ts";
import { parse } from "./parse.ts";

const body = z.strictObject({
  model: z.string().min(1).max(5),
  kind: z.enum(["a", "b"]).optional(),
  only: z.literal(1).optional(),
  share: z.number().min(0).max(2).optional(),
  count: z.int().min(1).max(9).optional(),
  texts: z.array(z.string()).min(1).max(2).optional(),
  stop: z.union([z.string(), z.array(z.string())]).optional(),
  choice: z.union([z.enum(["auto"]), z.looseObject({ name: z.string() })]).optional(),
  own: z.string().regex(/^x/, "must begin with x").optional(),
});

function refused(fields: object): ErrandError {
  try {
    parse(body, { model: "m", ...fields }, "the body");
  } catch (error) {
    if (error instanceof ErrandError) return error;
  }
  throw new Error("it was accepted");
}

test.each([
  [{ model: undefined }, "model", "is missing: must be text"],
  [{ model: "" }, "model", 'must have 1..5 characters, got ""'],
  [{ kind: "c" }, "kind", 'must be one of "a", "b", got "c"'],
  [{ only: 2 }, "only", "must be 1, got 2"],
  [{ share: 3 }, "share", "must be 0..2, got 3"],
  [{ share: "1" }, "share", 'must be a number, got "1"'],
  [{ count: 1.5 }, "count", "must be a whole number, got 1.5"],
  [{ count: 0 }, "count", "must be 1..9, got 0"],
  [{ texts: [] }, "texts", "must have 1..2 entries, got an empty list"],
  [{ texts: ["a", "b", "c"] }, "texts", "must have 1..2 entries, got 3 entries"],
  [{ texts: {} }, "texts", "must be a list, got an object"],
  [{ stop: 5 }, "stop", "must be text or a list, got 5"],
  [{ stop: ["a", 5] }, "stop.1", "must be text, got 5"],
  [{ choice: {} }, "choice.name", "is missing: must be text"],
  [{ choice: "none" }, "choice", 'must be "auto" or an object, got "none"'],
  [{ own: "y" }, "own", "must begin with x"],
  [{ more: 1 }, "more", "is not a field of this request"],
])("[HTTP4] %j is refused by field, range and value", (fields, field, message) => {
  expect(refused(fields)).toMatchObject({ code: "invalid_request", fields: [{ field, message }] });
});

test("[HTTP4] a long value is repeated in part", () => {
  const [first] = refused({ kind: "c".repeat(1_000) }).fields ?? [];
  expect(first?.message).toHaveLength(94);
});

test.each([
  [{ share: 3 }, "Invalid value for 'share': must be 0..2, got 3.", "invalid_value"],
  [
    { model: undefined },
    "Missing required parameter: 'model' (is missing: must be text).",
    "missing_required_parameter",
  ],
])("[OAI5] below /v1 a wrong field is said in OpenAI's shape: %j", (fields, message, code) => {
  const error = openaiError(refused(fields));
  expect(error).toMatchObject({ message, code, type: "invalid_request_error" });
  expect(error.param).toBe(Object.keys(fields)[0]);
});
