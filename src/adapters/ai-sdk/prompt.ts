import { ErrandError } from "../../core/errors.ts";
import { isRecord } from "../../core/json.ts";
import type { ModelCall, PromptMessage, ToolSpec } from "../../ports/models.ts";
import type { SdkCall, SdkMessage, SdkPrompt, SdkWarning } from "./sdk-types.ts";

type AssistantMessage = Extract<SdkMessage, { role: "assistant" }>;
type ToolMessage = Extract<SdkMessage, { role: "tool" }>;
type ToolOutput = Extract<ToolMessage["content"][number], { type: "tool-result" }>["output"];
type PromptPart = Exclude<SdkMessage["content"], string>[number];

/**
 * Our call from the SDK's, and a warning for each setting that has no place in it. Throws ErrandError `invalid_request`
 * for prompts with files, images or results of provider-executed tools.
 */
export function modelCallOf(
  options: SdkCall,
  model: string,
): { readonly call: ModelCall; readonly warnings: SdkWarning[] } {
  const { toolChoice, responseFormat } = options;
  const tools = toolsOf(options);
  const call: ModelCall = {
    model,
    messages: promptMessagesOf(options.prompt),
    ...(tools.length === 0 ? {} : { tools }),
    ...(tools.length === 0 || toolChoice === undefined
      ? {}
      : { toolChoice: toolChoice.type === "tool" ? "required" : toolChoice.type }),
    ...(responseFormat?.type !== "json"
      ? {}
      : {
          jsonSchema: {
            name: responseFormat.name ?? "response",
            schema: responseFormat.schema ?? { type: "object" },
          },
        }),
    ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
    ...(options.maxOutputTokens === undefined ? {} : { maxTokens: options.maxOutputTokens }),
  };
  return { call, warnings: warningsOf(options) };
}

/** One named tool is asked for by offering only that one. */
function toolsOf({ tools, toolChoice }: SdkCall): readonly ToolSpec[] {
  return (tools ?? []).flatMap((tool) => {
    if (tool.type !== "function") return [];
    if (toolChoice?.type === "tool" && toolChoice.toolName !== tool.name) return [];
    const { name, description = "", inputSchema } = tool;
    return [{ name, description, inputSchema }];
  });
}

const unsupportedSettings = [
  "stopSequences",
  "topP",
  "topK",
  "presencePenalty",
  "frequencyPenalty",
  "seed",
  "providerOptions",
] as const;

function warningsOf(options: SdkCall): SdkWarning[] {
  const features: string[] = unsupportedSettings.filter((name) => options[name] !== undefined);
  if (options.reasoning !== undefined && options.reasoning !== "provider-default")
    features.push("reasoning");
  for (const tool of options.tools ?? [])
    if (tool.type === "provider") features.push(`provider tool ${tool.id}`);
  return features.map((feature) => ({ type: "unsupported", feature }));
}

/** The messages of an SDK prompt as ours. Reasoning of earlier turns is left out: no endpoint wants it back. */
export function promptMessagesOf(prompt: SdkPrompt): readonly PromptMessage[] {
  return prompt.flatMap((message): readonly PromptMessage[] => {
    switch (message.role) {
      case "system":
        return [{ role: "system", content: message.content }];
      case "user":
        return [{ role: "user", content: message.content.map(textOf).join("\n") }];
      case "assistant":
        return [assistantOf(message)];
      case "tool":
        return toolResultsOf(message);
    }
  });
}

function textOf(part: PromptPart): string {
  if (part.type === "text") return part.text;
  throw unsupported(part);
}

function assistantOf({ content }: AssistantMessage): PromptMessage {
  let text = "";
  const toolCalls: { id: string; name: string; input: unknown }[] = [];
  for (const part of content) {
    if (part.type === "tool-call")
      toolCalls.push({ id: part.toolCallId, name: part.toolName, input: part.input });
    else if (part.type !== "reasoning") text += textOf(part);
  }
  return { role: "assistant", content: text, ...(toolCalls.length === 0 ? {} : { toolCalls }) };
}

/** Answers to approval requests are not for the model. */
function toolResultsOf({ content }: ToolMessage): readonly PromptMessage[] {
  return content.flatMap((part) =>
    part.type === "tool-result"
      ? [{ role: "tool", toolCallId: part.toolCallId, content: outputText(part.output) }]
      : [],
  );
}

function outputText(output: ToolOutput): string {
  switch (output.type) {
    case "text":
    case "error-text":
      return output.value;
    case "json":
    case "error-json":
      return JSON.stringify(output.value);
    case "execution-denied":
      return output.reason ?? "The execution of the tool was denied.";
    case "content":
      return output.value
        .map((part) => {
          if (part.type === "text") return part.text;
          throw unsupported(part);
        })
        .join("\n");
  }
}

function unsupported(part: { readonly type: string; readonly mediaType?: string }): ErrandError {
  const what = part.mediaType === undefined ? part.type : `${part.type} (${part.mediaType})`;
  return new ErrandError(
    "invalid_request",
    `A prompt part of type ${what} cannot be sent: models take text and tool calls only. Put its content into the text, or leave it out.`,
  );
}

/** Our messages as an SDK prompt, in the subset that all interface versions share. */
export function sdkPromptOf(messages: readonly PromptMessage[]): SharedMessage[] {
  const toolNames = new Map<string, string>();
  return messages.map((message): SharedMessage => {
    switch (message.role) {
      case "system":
        return { role: "system", content: message.content };
      case "user":
        return { role: "user", content: [{ type: "text", text: message.content }] };
      case "assistant": {
        const calls = message.toolCalls ?? [];
        for (const { id, name } of calls) toolNames.set(id, name);
        const text = { type: "text" as const, text: message.content };
        return {
          role: "assistant",
          content: [
            ...(message.content === "" && calls.length > 0 ? [] : [text]),
            ...calls.map(({ id, name, input }) => ({
              type: "tool-call" as const,
              toolCallId: id,
              toolName: name,
              input,
            })),
          ],
        };
      }
      case "tool": {
        const { toolCallId, content } = message;
        const toolName = toolNames.get(toolCallId) ?? "unknown";
        const output = { type: "text" as const, value: content };
        return {
          role: "tool",
          content: [{ type: "tool-result", toolCallId, toolName, output }],
        };
      }
    }
  });
}

interface SharedText {
  type: "text";
  text: string;
}

interface SharedToolCall {
  type: "tool-call";
  toolCallId: string;
  toolName: string;
  input: unknown;
}

interface SharedToolResult {
  type: "tool-result";
  toolCallId: string;
  toolName: string;
  output: { type: "text"; value: string };
}

/** A message that is one in every version of the SDK's interface. */
export type SharedMessage =
  | { role: "system"; content: string }
  | { role: "user"; content: SharedText[] }
  | { role: "assistant"; content: (SharedText | SharedToolCall)[] }
  | { role: "tool"; content: SharedToolResult[] };

/** A JSON schema as the SDK's types want it: an object whose fields nobody here looks at. */
export function schemaOf(schema: unknown): Readonly<Record<string, unknown>> {
  return isRecord(schema) ? schema : {};
}
