import type {
  ApproveOptions,
  EmbedRequest,
  GenerateRequest,
  Progress,
  SpawnOptions,
} from "../../../engine/index.ts";
import type { Failure } from "../../../engine/failures.ts";
import type { Scope } from "../../../core/scope.ts";

/** A child as a flow names it. */
export interface FlowChild {
  readonly type: string;
  readonly input: unknown;
  readonly options: SpawnOptions & { readonly name: string };
}

/** What a flow asks of its task. Operations have names: those of one task in both journals are the same. */
export type FlowOperation =
  /** What a step came to; answers what the log holds, which is older if there is one. */
  | { readonly is: "step"; readonly name: string; readonly result: unknown }
  | {
      readonly is: "generate";
      readonly role: string;
      readonly request: GenerateRequest & { readonly name: string; readonly show: boolean };
    }
  | {
      readonly is: "embed";
      readonly role: string;
      readonly request: EmbedRequest & { readonly name: string };
    }
  /** Answers the child's id. */
  | { readonly is: "spawn"; readonly child: FlowChild }
  /** Waits for the child's end. */
  | { readonly is: "settled"; readonly child: FlowChild }
  /** Waits for the `at`-th event of that name, 1-based. */
  | { readonly is: "wait"; readonly name: string; readonly at: number; readonly timeoutMs?: number }
  | {
      readonly is: "approve";
      readonly question: string;
      readonly options: ApproveOptions & { readonly name: string };
    }
  | { readonly is: "progress"; readonly progress: Progress }
  | { readonly is: "write"; readonly text: string }
  /** Answers until when a sleep lasts, in epoch milliseconds: said once, however often the flow starts again. */
  | { readonly is: "sleep"; readonly name: string; readonly ms: number }
  /** A long step is being worked on. */
  | { readonly is: "alive" }
  /** The flow is over: how. */
  | { readonly is: "end"; readonly end: FlowEnd };

/** How a flow ended. */
export type FlowEnd =
  | { readonly ok: true; readonly output: unknown }
  | ({ readonly ok: false } & Failure);

/** What an operation came to. */
export type FlowAnswer =
  | { readonly ok: true; readonly value: unknown }
  | ({ readonly ok: false } & Failure)
  /** It still goes on: ask again. */
  | { readonly pending: true };

/** A question of a flow to the home of its task. */
export interface FlowCall {
  readonly is: "flow";
  readonly taskId: string;
  /** Id of the instance that asks: one that was replaced is refused. */
  readonly instance: string;
  /** Name of the step that asks. The same one again is the same operation. */
  readonly step: string;
  readonly operation: FlowOperation;
}

/** What an instance is made with. */
export interface FlowParams {
  readonly version: 1;
  readonly taskId: string;
  readonly home: Scope;
  readonly type: string;
  readonly userId: string;
  readonly sessionId: string | null;
  readonly attempt: number;
  readonly input: unknown;
  /** Which roles have a model. */
  readonly roles: readonly string[];
  /** Roles besides Errand's own. */
  readonly workerRoles: readonly string[];
}
