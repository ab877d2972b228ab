import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

import { ErrandError } from "../../../core/errors.ts";
import type { AnyTaskType } from "../../../engine/index.ts";
import { orchestrateTask } from "../../../tasks/index.ts";
import { askHome } from "../home-call.ts";
import type { EdgeEnv } from "../settings.ts";
import type { FlowAnswer, FlowEnd, FlowOperation, FlowParams } from "./flow-call.ts";
import { FlowContext, runFlow, type AskTask } from "./flow-context.ts";
import { cloudflareSteps, guardedSteps } from "./steps.ts";

/** Built-in task types that can run as workflows: the same functions that the engine runs. */
export const flowTypes: readonly string[] = ["orchestrate"];

/** Telling the end is tried for about a quarter of an hour; after that the task finds it by itself. */
const endOptions = { retries: 10, timeoutMs: 60_000 };

/**
 * The class behind `ORCHESTRATOR_WORKERS_WORKFLOW`: runs the handler of a task. What it does it does through the home of
 * the task, and tells it the end.
 */
export class ErrandWorkflow extends WorkflowEntrypoint<EdgeEnv, FlowParams> {
  /** Task types of this deployment besides {@link flowTypes} that can run as workflows. */
  readonly flows: readonly AnyTaskType[] = [];

  override async run(
    event: Readonly<WorkflowEvent<FlowParams>>,
    step: WorkflowStep,
  ): Promise<unknown> {
    const { payload: params, instanceId: instance } = event;
    const ask: AskTask = async (name: string, operation: FlowOperation) => {
      const { taskId, home } = params;
      const call = { is: "flow", taskId, instance, step: name, operation } as const;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- What a home answers to this call.
      return (await askHome(this.env.HOMES, home, call)) as FlowAnswer;
    };
    const steps = guardedSteps(cloudflareSteps(step));
    const task = this.#task(params);
    const end = await runFlow(task.handler, params, new FlowContext(params, steps, ask));
    try {
      await steps.do("end", endOptions, () => tell(ask, end));
    } catch (error) {
      console.error("a task could not be told how its workflow ended; it looks by itself", error);
    }
    if (end.ok) return end.output;
    throw new Error(`${end.error.code}: ${end.error.message}`);
  }

  #task({ type, workerRoles }: FlowParams): AnyTaskType {
    const known = [orchestrateTask({ workerRoles: () => workerRoles }), ...this.flows];
    const found = known.find((task) => task.type === type);
    if (found !== undefined) return found;
    throw new Error(`no task type "${type}" is loaded in this Worker's workflows`);
  }
}

/** Tells a task the end of its flow. A task that does not want to know it is not told again. */
async function tell(ask: AskTask, end: FlowEnd): Promise<null> {
  try {
    await ask("end", { is: "end", end });
  } catch (error) {
    if (!(error instanceof ErrandError) || error.code === "unavailable") throw error;
  }
  return null;
}
