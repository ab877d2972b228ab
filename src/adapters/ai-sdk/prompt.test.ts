import { describe, expect, test } from "vitest";

import { ErrandError } from "../../core/errors.ts";
import type { PromptMessage } from "../../ports/models.ts";
import { modelCallOf, promptMessagesOf, sdkPromptOf } from "./prompt.ts";
import type { SdkCall, SdkPrompt } from "./sdk-types.ts";

const hello: SdkPrompt = [{ role: "user", content: [{ type: "text", text: "hello" }] }];
const callOf = (options: Partial<SdkCall>): ReturnType<typeof modelCallOf> =>
  modelCallOf({ prompt: hello, ...options }, "m");
const result = (output: object): SdkPrompt =>
  [
    { role: "tool", content: [{ type: "tool-result", toolCallId: "a", toolName: "f", output }] },
  ] as SdkPrompt;

describe("messages", () => {
  test("[MODEL15] a conversation with tools comes across and back", () => {
    const messages: readonly PromptMessage[] = [
      { role: "system", content: "s" },
      { role: "user", content: "u" },
      { role: "assistant", content: "", toolCalls: [{ id: "a", name: "f", input: { x: 1 } }] },
      { role: "tool", toolCallId: "a", content: "2" },
      { role: "assistant", content: "two", toolCalls: [{ id: "b", name: "g", input: [] }] },
      { role: "tool", toolCallId: "b", content: "" },
      { role: "assistant", content: "" },
    ];
    expect(promptMessagesOf(sdkPromptOf(messages))).toEqual(messages);
  });

  test("[MODEL14] a tool's result is sent with the name that its call had", () => {
    const prompt = sdkPromptOf([
      { role: "assistant", content: "", toolCalls: [{ id: "a", name: "add", input: {} }] },
      { role: "tool", toolCallId: "a", content: "3" },
    ]);
    expect(prompt[1]).toMatchObject({
      content: [{ toolName: "add", output: { type: "text", value: "3" } }],
    });
  });

  test("[MODEL15] parts of one message become one text; reasoning is left out", () => {
    const prompt: SdkPrompt = [
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "hm" },
          { type: "text", text: "c" },
          { type: "text", text: "d" },
        ],
      },
    ];
    expect(promptMessagesOf(prompt)).toEqual([
      { role: "user", content: "a\nb" },
      { role: "assistant", content: "cd" },
    ]);
  });

  test.each([
    [{ type: "text", value: "t" }, "t"],
    [{ type: "json", value: { x: 1 } }, '{"x":1}'],
    [{ type: "error-text", value: "e" }, "e"],
    [{ type: "error-json", value: ["e"] }, '["e"]'],
    [{ type: "execution-denied", reason: "no" }, "no"],
    [{ type: "execution-denied" }, "The execution of the tool was denied."],
    [
      {
        type: "content",
        value: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      },
      "a\nb",
    ],
  ])("[MODEL15] the tool output %j is sent as text", (output, content) => {
    expect(promptMessagesOf(result(output))).toEqual([{ role: "tool", toolCallId: "a", content }]);
  });

  const file = { type: "file", mediaType: "image/png", data: { type: "data", data: "AAAA" } };
  test.each([
    ["a file of the user", [{ role: "user", content: [file] }], "file (image/png)"],
    ["a file of the assistant", [{ role: "assistant", content: [file] }], "file (image/png)"],
    ["a file in a tool's result", result({ type: "content", value: [file] }), "file (image/png)"],
    [
      "a result of the provider",
      [
        {
          role: "assistant",
          content: [
            {
              type: "tool-result",
              toolCallId: "a",
              toolName: "f",
              output: { type: "text", value: "" },
            },
          ],
        },
      ],
      "tool-result",
    ],
    [
      "a custom part",
      [{ role: "assistant", content: [{ type: "custom", kind: "a.b" }] }],
      "custom",
    ],
  ])("[MODEL15] %s is refused by name", (_, prompt, word) => {
    const convert = (): unknown => promptMessagesOf(prompt as SdkPrompt);
    expect(convert).toThrow(ErrandError);
    expect(convert).toThrow(word);
  });
});

describe("settings", () => {
  const tools: NonNullable<SdkCall["tools"]> = [
    { type: "function", name: "f", description: "d", inputSchema: { type: "object" } },
    { type: "function", name: "g", inputSchema: {} },
  ];

  test("[MODEL15] what a call can have is taken over, without warnings", () => {
    const { call, warnings } = callOf({
      tools,
      toolChoice: { type: "auto" },
      temperature: 0.5,
      maxOutputTokens: 7,
      responseFormat: { type: "json", name: "plan", schema: { type: "object" } },
      reasoning: "provider-default",
    });
    expect(call).toEqual({
      model: "m",
      messages: [{ role: "user", content: "hello" }],
      tools: [
        { name: "f", description: "d", inputSchema: { type: "object" } },
        { name: "g", description: "", inputSchema: {} },
      ],
      toolChoice: "auto",
      temperature: 0.5,
      maxTokens: 7,
      jsonSchema: { name: "plan", schema: { type: "object" } },
    });
    expect(warnings).toEqual([]);
  });

  test("[MODEL15] one named tool is required by offering only that one", () => {
    const { call } = callOf({ tools, toolChoice: { type: "tool", toolName: "g" } });
    expect([call.tools?.map(({ name }) => name), call.toolChoice]).toEqual([["g"], "required"]);
  });

  test("[MODEL15] JSON without a schema is an object", () => {
    expect(callOf({ responseFormat: { type: "json" } }).call.jsonSchema).toEqual({
      name: "response",
      schema: { type: "object" },
    });
    expect(callOf({ responseFormat: { type: "text" } }).call).not.toHaveProperty("jsonSchema");
  });

  test("[MODEL15] what a call cannot have becomes a warning", () => {
    const { warnings } = callOf({
      topP: 0.1,
      seed: 1,
      stopSequences: ["x"],
      reasoning: "high",
      tools: [{ type: "provider", id: "openai.web_search", name: "web", args: {} }],
    });
    expect(warnings.map((warning) => ("feature" in warning ? warning.feature : ""))).toEqual([
      "stopSequences",
      "topP",
      "seed",
      "reasoning",
      "provider tool openai.web_search",
    ]);
  });
});
