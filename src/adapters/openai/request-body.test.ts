import { expect, test } from "vitest";

import type { ModelCall } from "../../ports/models.ts";
import { chatBody } from "./request-body.ts";

const local = { maxTokensField: "max_tokens" } as const;
const body = (call: Partial<ModelCall>, dialect: Parameters<typeof chatBody>[1] = local): unknown =>
  JSON.parse(
    chatBody({ model: "m", messages: [{ role: "user", content: "hi" }], ...call }, dialect),
  );

test("[MODEL11] a plain call is streamed with usage and holds nothing that was not asked for", () => {
  expect(body({})).toEqual({
    model: "m",
    messages: [{ role: "user", content: "hi" }],
    stream: true,
    stream_options: { include_usage: true },
  });
});

test("[MODEL11] a conversation with tool calls keeps its ids, and its arguments are JSON text", () => {
  const messages: ModelCall["messages"] = [
    { role: "system", content: "s" },
    { role: "assistant", content: "", toolCalls: [{ id: "a", name: "f", input: { x: 1 } }] },
    { role: "tool", toolCallId: "a", content: "2" },
    { role: "assistant", content: "two" },
  ];
  expect(body({ messages })).toMatchObject({
    messages: [
      { role: "system", content: "s" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: '{"x":1}' } }],
      },
      { role: "tool", tool_call_id: "a", content: "2" },
      { role: "assistant", content: "two" },
    ],
  });
});

test("[MODEL11] tools carry their schema; without tools there is no tool_choice", () => {
  const tools = [{ name: "f", description: "d", inputSchema: { type: "object" } }];
  expect(body({ tools, toolChoice: "required" })).toMatchObject({
    tools: [
      {
        type: "function",
        function: { name: "f", description: "d", parameters: { type: "object" } },
      },
    ],
    tool_choice: "required",
  });
  expect(body({ tools: [], toolChoice: "auto" })).not.toHaveProperty("tool_choice");
});

test.each([
  [{ type: "object", additionalProperties: false }, true],
  [{ type: "object" }, false],
])("[MODEL11] the schema %j is asked for with strict %s", (schema, strict) => {
  expect(body({ jsonSchema: { name: "plan", schema } })).toMatchObject({
    response_format: { type: "json_schema", json_schema: { name: "plan", schema, strict } },
  });
});

test("[MODEL11] the length limit is called as the endpoint calls it", () => {
  expect(body({ maxTokens: 9, temperature: 0 })).toMatchObject({ max_tokens: 9, temperature: 0 });
  expect(body({ maxTokens: 9 }, { maxTokensField: "max_completion_tokens" })).toMatchObject({
    max_completion_tokens: 9,
  });
});

test("[MODEL11,OAI3] further parameters are sent as they came, and never instead of the call's own", () => {
  const parameters = { stop: ["x"], seed: 7, model: "other", stream: false, messages: [] };
  expect(body({ parameters, temperature: 0.5 })).toEqual({
    model: "m",
    messages: [{ role: "user", content: "hi" }],
    stream: true,
    stream_options: { include_usage: true },
    stop: ["x"],
    seed: 7,
    temperature: 0.5,
  });
});

test("[MODEL11,OAI3] strict is what was asked for, where something was asked", () => {
  const schema = { type: "object", additionalProperties: false };
  expect(body({ jsonSchema: { name: "n", schema, strict: false } })).toMatchObject({
    response_format: { json_schema: { strict: false } },
  });
  const tools = [{ name: "f", description: "d", inputSchema: schema, strict: true }];
  expect(body({ tools })).toMatchObject({ tools: [{ function: { strict: true } }] });
});
