import { asKnownToCaller } from "./erased-types.ts";
import { ErrandError } from "../core/errors.ts";
import { canonicalJson } from "../core/json.ts";
import type { Operation } from "../core/task/state.ts";
import type { PromptMessage, ToolSpec } from "../ports/models.ts";
import type { StepContext, ToolBox, ToolDefinition } from "./context.ts";
import { failureOf } from "./failures.ts";
import { toJson, type Segment } from "./segment.ts";

type ToolOperation = Extract<Operation, { kind: "tool" }>;
type AskedCall = Parameters<ToolBox["call"]>[0];

/** What a tool call came to. */
type Outcome =
  | { readonly state: "confirmed"; readonly output: unknown }
  | { readonly state: "failed"; readonly message: string };

/**
 * Ledgered tools (M10): a call is `intended` in the log before it runs and `confirmed` or `failed` after. If the
 * process dies in between, the outcome is unknown: the tool's `reconcile` is asked, an idempotent tool runs again
 * under the same key, and anything else stops with `tool_unknown`, because a second mail cannot be unsent.
 */
export function toolBox(
  segment: Segment,
  definitions: Readonly<Record<string, ToolDefinition>>,
  sha256: (text: string) => Promise<string>,
): ToolBox {
  const specs: ToolSpec[] = Object.entries(definitions).map(([name, tool]) => ({
    name,
    description: tool.description,
    inputSchema: tool.inputSchema,
  }));
  return {
    specs,
    async call(call): Promise<PromptMessage> {
      // A model may say anything, also the name of what every object has.
      const tool = Object.hasOwn(definitions, call.name) ? definitions[call.name] : undefined;
      const outcome = await ledgered(segment, tool, call, sha256);
      segment.ledgered.add(call.id);
      const content =
        outcome.state === "confirmed" ? textOf(outcome.output) : `error: ${outcome.message}`;
      return { role: "tool", toolCallId: call.id, content };
    },
  };
}

function textOf(output: unknown): string {
  return typeof output === "string" ? output : JSON.stringify(output);
}

async function ledgered(
  segment: Segment,
  tool: ToolDefinition | undefined,
  call: AskedCall,
  sha256: (text: string) => Promise<string>,
): Promise<Outcome> {
  const op = segment.ordinal(`tool:${call.name}`);
  segment.claim(op);
  const hash = await sha256(canonicalJson([call.name, call.input]));
  const before = segment.operation(op);
  // Also refuses other arguments than before: a replay that asks for something else is nondeterministic.
  await segment.ask({ type: "toolIntend", op, id: call.id, name: call.name, hash });
  const transcript = await segment.transcript();
  transcript.tool({ t: "toolInput", id: call.id, name: call.name, input: call.input });
  const outcome = await decide(segment, tool, call, op, before?.kind === "tool" ? before : null);
  const shown =
    outcome.state === "confirmed"
      ? { output: outcome.output }
      : { output: outcome.message, failed: true as const };
  transcript.tool({ t: "toolOutput", id: call.id, ...shown });
  return outcome;
}

async function decide(
  segment: Segment,
  tool: ToolDefinition | undefined,
  call: AskedCall,
  op: string,
  before: ToolOperation | null,
): Promise<Outcome> {
  if (before?.state === "confirmed") return { state: "confirmed", output: before.output };
  if (before?.state === "failed")
    return { state: "failed", message: before.error?.message ?? "the tool failed" };
  if (tool === undefined)
    return await settle(segment, op, {
      state: "failed",
      message: `there is no tool "${call.name}"`,
    });
  const input = checked(tool, call.input);
  if ("message" in input)
    return await settle(segment, op, { state: "failed", message: input.message });
  const key = `${segment.taskId}:${op}`;
  if (before !== null) {
    const found = await reconciled(segment, tool, op, key, call.name);
    if (found !== null) return found;
  }
  return await run(segment, tool, op, key, input.value);
}

function checked(
  tool: ToolDefinition,
  input: unknown,
): { readonly value: unknown } | { readonly message: string } {
  const result = tool.input?.["~standard"].validate(input);
  if (result === undefined) return { value: input };
  if (result instanceof Promise)
    return { message: "the tool's schema is asynchronous, which is not supported" };
  if (result.issues === undefined) return { value: result.value };
  return { message: `wrong arguments: ${result.issues.map((issue) => issue.message).join("; ")}` };
}

/** `null`: the tool may run (again). */
async function reconciled(
  segment: Segment,
  tool: ToolDefinition,
  op: string,
  key: string,
  name: string,
): Promise<Outcome | null> {
  if (tool.reconcile !== undefined) {
    const output: unknown = await segment.work(() => tool.reconcile?.(key));
    if (output === undefined) return null;
    return await settle(segment, op, {
      state: "confirmed",
      output: toJson(output, `the output of tool "${name}"`),
    });
  }
  if (tool.idempotent === true) return null;
  await segment.ask({ type: "toolSettle", op, state: "unknown" });
  throw new ErrandError(
    "tool_unknown",
    `the process died while tool "${name}" ran; whether it took effect is not known. Check, then retry or rerun the task`,
  );
}

async function run(
  segment: Segment,
  tool: ToolDefinition,
  op: string,
  key: string,
  input: unknown,
): Promise<Outcome> {
  const context: StepContext = { attempt: segment.attempt, key, signal: segment.signal };
  let outcome: Outcome;
  try {
    // The definition's input type is erased here; `checked` has parsed the value with the definition's own schema.
    const output: unknown = await segment.work(() =>
      tool.run(asKnownToCaller<never>(input), context),
    );
    outcome = { state: "confirmed", output: toJson(output, `the output of tool "${op}"`) };
  } catch (error) {
    if (segment.dead) throw error;
    outcome = { state: "failed", message: failureOf(error).error.message };
  }
  return await settle(segment, op, outcome);
}

async function settle(segment: Segment, op: string, outcome: Outcome): Promise<Outcome> {
  if (outcome.state === "confirmed")
    await segment.ask({ type: "toolSettle", op, state: "confirmed", output: outcome.output });
  else
    await segment.ask({
      type: "toolSettle",
      op,
      state: "failed",
      error: { code: "handler_failed", message: outcome.message },
    });
  return outcome;
}
