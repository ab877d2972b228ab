import { ErrandError } from "../core/errors.ts";
import {
  defineTask,
  FatalError,
  type CallResult,
  type Child,
  type TaskContext,
  type TaskType,
} from "../engine/index.ts";
import type { Desk } from "./desk.ts";
import { promptCharsMax } from "./generate.ts";
import { listOf, name, object, optional, schema, text, wholeNumber } from "./input-schema.ts";
import {
  planAgain,
  plannerPrompt,
  planSchema,
  readPlan,
  type PlanLimits,
  type Subtask,
} from "./plan.ts";
import { cut, missingOf, writerPrompt, type SubtaskResult } from "./synthesis.ts";

/** A request to be split, done in parallel and put together. */
export interface OrchestrateInput {
  readonly prompt: string;
  /** Most subtasks, 1..16. Default 8. */
  readonly subtasksMax?: number;
  /** Roles that the planner may give subtasks to. Default: those this server has besides Errand's own. */
  readonly workers?: readonly string[];
}

/** The answer and how each part of it went. */
export interface OrchestrateOutput {
  readonly text: string;
  readonly subtasks: readonly SubtaskResult[];
  /** Titles of the parts that the answer had to do without. */
  readonly missing: readonly string[];
}

/** One part, as its worker gets it. */
export interface WorkerInput {
  readonly title: string;
  readonly prompt: string;
  readonly role: string;
}

/** What a worker gives back. */
export interface WorkerOutput {
  readonly text: string;
  readonly finish: CallResult["finish"];
}

const subtasksMaxDefault = 8;
const subtasksMaxMax = 16;
const workersMax = 16;
/** Answers of a planner that may be wrong before the task fails. */
const planTriesMax = 3;
/** Characters of results the writer is shown: first so many, and fewer when the model's context is too small. */
const writerBudgets: readonly number[] = [60_000, 20_000, 6_000];
/** Characters of one result that the output keeps; the worker's own task has all of it. */
const keptCharsMax = 40_000;

const workerRules =
  "You do one part of a larger piece of work, on your own. Answer with the result alone: no preface, no questions.";

/** Type of the tasks that {@link orchestrateTask} spawns: one streamed model call of the named role. */
export const workerTask: TaskType<WorkerInput, WorkerOutput> = defineTask(
  "orchestrate.worker",
  {
    queue: "tasks",
    input: schema(
      object({
        title: text({ min: 1, max: 200 }),
        prompt: text({ min: 1, max: promptCharsMax }),
        role: name(),
      }),
    ),
  },
  async ({ prompt, role }, ctx) => {
    const { text: answer, finish } = await ctx.generate(role, {
      messages: [
        { role: "system", content: workerRules },
        { role: "user", content: prompt },
      ],
    });
    // The call is memoised: another try would only read the same nothing.
    if (answer.trim() === "") throw new FatalError(`the model answered nothing (${finish})`);
    return { text: answer, finish };
  },
);

/**
 * A planner splits the request, workers do the parts at the same time, a writer puts them together. Parts that fail
 * are named to the writer and in the output; the task fails only if all of them do. Cancelling it cancels its
 * workers; a crash repeats no finished model call. Fails with `model_unavailable` if no model is connected.
 */
export function orchestrateTask(
  desk: Pick<Desk, "workerRoles">,
): TaskType<OrchestrateInput, OrchestrateOutput> {
  return defineTask(
    "orchestrate",
    {
      queue: "tasks",
      input: schema(
        object({
          prompt: text({ min: 1, max: promptCharsMax }),
          subtasksMax: optional(wholeNumber({ min: 1, max: subtasksMaxMax })),
          workers: optional(listOf(name(), workersMax)),
        }),
      ),
    },
    async (input, ctx) => {
      // The server's roles may change between two tries; the planner's prompt must not.
      const workers = await ctx.step(
        "workers",
        () => input.workers ?? desk.workerRoles().slice(0, workersMax),
      );
      const limits: PlanLimits = { subtasksMax: input.subtasksMax ?? subtasksMaxDefault, workers };
      await ctx.progress({ message: "planning" });
      const plan = await makePlan(ctx, input.prompt, limits);
      const results = await runWorkers(ctx, plan);
      await ctx.progress({
        ...countOf(results),
        message: "writing",
        data: { subtasks: results.map(standOf) },
      });
      const answer = await write(ctx, input.prompt, results);
      const subtasks = results.map((result) => ({
        ...result,
        output: result.output === null ? null : cut(result.output, keptCharsMax),
      }));
      return { text: answer, subtasks, missing: missingOf(results) };
    },
  );
}

async function makePlan(
  ctx: TaskContext,
  prompt: string,
  limits: PlanLimits,
): Promise<readonly Subtask[]> {
  let messages = plannerPrompt(prompt, limits);
  let problem = "";
  for (let tries = 1; tries <= planTriesMax; tries += 1) {
    const answer = await askPlanner(ctx, messages, limits, tries);
    const plan = readPlan(answer, limits);
    if (plan.problem === undefined) return plan.subtasks;
    problem = plan.problem;
    messages = [...messages, ...planAgain(answer, problem)];
  }
  throw new FatalError(`the planner gave no valid plan in ${planTriesMax} tries: ${problem}`);
}

/** One answer of the planner. An endpoint that knows no JSON schemas is asked again without one. */
async function askPlanner(
  ctx: TaskContext,
  messages: ReturnType<typeof plannerPrompt>,
  limits: PlanLimits,
  tries: number,
): Promise<string> {
  const jsonSchema = { name: "plan", schema: planSchema(limits) };
  try {
    const { text: answer } = await ctx.generate("planner", {
      messages,
      jsonSchema,
      name: `plan-${tries}`,
    });
    return answer;
  } catch (error) {
    if (!(error instanceof ErrandError && error.code === "model_rejected")) throw error;
    const { text: answer } = await ctx.generate("planner", {
      messages,
      name: `plan-${tries}-free`,
    });
    return answer;
  }
}

async function runWorkers(
  ctx: TaskContext,
  plan: readonly Subtask[],
): Promise<readonly SubtaskResult[]> {
  const children = await Promise.all(
    plan.map((subtask, index) =>
      ctx.spawn<WorkerOutput>("orchestrate.worker", subtask, {
        name: `worker-${index + 1}`,
        title: subtask.title,
      }),
    ),
  );
  const results: SubtaskResult[] = plan.map(({ title }, index) => ({
    taskId: children[index]?.id ?? "",
    title,
    status: "open",
    output: null,
    error: null,
  }));
  const report = (): Promise<void> =>
    ctx.progress({
      ...countOf(results),
      message: "subtasks",
      data: { subtasks: results.map(standOf) },
    });
  await report();
  await Promise.all(
    children.map(async (child, index) => {
      const before = results[index];
      if (before === undefined) return;
      results[index] = { ...before, ...(await endOf(child)) };
      await report();
    }),
  );
  if (results.every(({ output }) => output === null)) {
    const first = results[0]?.error?.message ?? "no reason was given";
    throw new ErrandError(
      "child_failed",
      `all ${results.length} subtasks failed; the first one: ${first}`,
    );
  }
  return results;
}

async function endOf(
  child: Child<WorkerOutput>,
): Promise<Pick<SubtaskResult, "status" | "output" | "error">> {
  const { status, output, error } = await child.settled();
  return { status, output: status === "completed" ? (output?.text ?? null) : null, error };
}

function countOf(results: readonly SubtaskResult[]): {
  readonly done: number;
  readonly total: number;
} {
  return { done: results.filter(({ status }) => status !== "open").length, total: results.length };
}

function standOf({ taskId, title, status }: SubtaskResult): {
  readonly taskId: string;
  readonly title: string;
  readonly status: string;
} {
  return { taskId, title, status };
}

async function write(
  ctx: TaskContext,
  prompt: string,
  results: readonly SubtaskResult[],
): Promise<string> {
  for (const [tries, budget] of writerBudgets.entries()) {
    try {
      const result = await ctx.generate("writer", {
        messages: writerPrompt(prompt, results, budget),
        name: `write-${tries + 1}`,
        show: true,
      });
      if (result.text.trim() === "")
        throw new FatalError(`the writer answered nothing (${result.finish})`);
      return result.text;
    } catch (error) {
      const isTooLong = error instanceof ErrandError && error.code === "context_overflow";
      if (!isTooLong || tries === writerBudgets.length - 1) throw error;
    }
  }
  throw new FatalError("the results do not fit the writer's context");
}
