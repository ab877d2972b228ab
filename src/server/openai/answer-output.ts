import { isRecord } from "../../core/json.ts";
import type { CallResult } from "../../engine/index.ts";

const finishes: ReadonlySet<unknown> = new Set(["stop", "length", "toolCalls", "filter"]);

/** A completed task's output as the model call's result that it is. Null for the output of another kind of task. */
export function resultOf(output: unknown): CallResult | null {
  return isResult(output) ? output : null;
}

function isResult(output: unknown): output is CallResult {
  return isRecord(output) && typeof output["text"] === "string" && finishes.has(output["finish"]);
}

/** Tokens as they were counted; zeros where the endpoint does not count. */
export function countedTokens({ usage }: CallResult): {
  readonly input: number;
  readonly output: number;
  readonly total: number;
} {
  const { inputTokens: input = 0, outputTokens: output = 0 } = usage ?? {};
  return { input, output, total: input + output };
}

/** A tool call's arguments as JSON text. */
export function argumentsText(input: unknown): string {
  return JSON.stringify(input ?? {});
}
