import { unreachable } from "../invariant.ts";
import type { TaskEvent } from "./events.ts";
import { goOnBeside, goOnFrom, put, roughBytes, run, suspend } from "./fold.ts";
import type { CallOperation, TaskState } from "./state.ts";

type ToolEvent = Extract<TaskEvent, { type: `tool.${string}` }>;
type CallEvent = Extract<TaskEvent, { type: `call.${string}` }>;

/** Folds a fact of a model call or a tool call. */
export function evolveCall(state: TaskState, event: CallEvent | ToolEvent): TaskState {
  const operation = state.operations.get(event.op);
  switch (event.type) {
    case "call.requested": {
      state.calls += 1;
      const call: CallOperation =
        operation?.kind === "call" ? operation : newCall(event.role, event.hash);
      call.role = event.role;
      call.hash = event.hash;
      call.queue = event.queue;
      call.cost = event.cost;
      call.lead = event.lead ?? 0;
      call.tokens = event.tokens ?? 0;
      call.model = event.model ?? null;
      call.input = event.input ?? null;
      call.share = event.share ?? null;
      call.call = event.call;
      call.cuttable = event.cuttable === true;
      call.state = "pending";
      call.untilMs = null;
      if (operation === undefined) put(state, event.op, call, 128);
      const code = call.paused ? "cut" : "slot";
      return suspend(state, { code, queue: event.queue, op: event.op });
    }
    case "call.started":
      if (operation?.kind === "call") {
        operation.state = "granted";
        operation.paused = false;
        operation.tries += 1;
      }
      return run(state);
    case "call.completed":
      if (operation?.kind === "call") {
        operation.state = "done";
        operation.result = event.result;
        goOnFrom(state, operation, null);
        state.heldBytes += event.result.text.length * 2;
      }
      return run(state);
    case "call.cut":
      if (operation?.kind === "call") {
        operation.state = "cut";
        operation.paused = true;
        operation.cuts += 1;
        // It has not failed: its tries are for failures.
        operation.tries -= 1;
        goOnFrom(state, operation, event.partial);
      }
      return state;
    case "call.failed":
      if (operation?.kind === "call") {
        if (event.partial !== undefined) goOnFrom(state, operation, event.partial);
        operation.error = event.error;
        operation.state = event.untilMs === undefined ? "failed" : "backoff";
        operation.untilMs = event.untilMs ?? null;
      }
      if (event.untilMs === undefined) return run(state);
      return suspend(state, { code: "backoff", untilMs: event.untilMs, op: event.op });
    default:
      return evolveTool(state, event);
  }
}

function evolveTool(state: TaskState, event: ToolEvent): TaskState {
  const operation = state.operations.get(event.op);
  switch (event.type) {
    case "tool.intended":
      put(
        state,
        event.op,
        {
          kind: "tool",
          id: event.id,
          name: event.name,
          hash: event.hash,
          state: "intended",
          output: null,
          error: null,
        },
        128,
      );
      return goOnBeside(state);
    case "tool.settled":
      if (operation?.kind === "tool") {
        operation.state = event.state;
        operation.output = event.output ?? null;
        operation.error = event.error ?? null;
        state.heldBytes += roughBytes(event.output);
      }
      return goOnBeside(state);
    default:
      return unreachable(event, "task event");
  }
}

function newCall(role: string, hash: string): CallOperation {
  return {
    kind: "call",
    role,
    hash,
    queue: "",
    state: "idle",
    call: "",
    tries: 0,
    untilMs: null,
    cost: 0,
    lead: 0,
    tokens: 0,
    model: null,
    input: null,
    share: null,
    cuttable: false,
    partial: null,
    cuts: 0,
    paused: false,
    result: null,
    error: null,
  };
}
