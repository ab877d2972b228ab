import { isRecord } from "../core/json.ts";
import type { PromptMessage } from "../ports/models.ts";
import { fencedIn } from "./text-edges.ts";

/** One part of a plan: what a worker is asked, and the role of that worker. */
export interface Subtask {
  readonly title: string;
  readonly prompt: string;
  readonly role: string;
}

/** What a plan may be. */
export interface PlanLimits {
  /** Most subtasks, 1..16. */
  readonly subtasksMax: number;
  /** Roles of specialised workers that a subtask may name; `worker` is always allowed. */
  readonly workers: readonly string[];
}

/** A plan, or what is wrong with it in words for the planner. */
export type PlanResult =
  | { readonly subtasks: readonly Subtask[]; readonly problem?: undefined }
  | { readonly problem: string };

/** Role of a worker that no subtask names. */
const workerDefault = "worker";
/** Few parts are planned well; many are planned badly and cost more than they help. */
const subtasksMin = 3;
const titleCharsMax = 200;
const subtaskCharsMax = 20_000;
/** Characters of a bad plan that are shown to the planner again. */
const badPlanCharsMax = 4_000;

/** The JSON Schema a planner's answer must fit. */
export function planSchema({ subtasksMax, workers }: PlanLimits): unknown {
  const properties = {
    title: { type: "string" },
    prompt: { type: "string" },
    ...(workers.length === 0
      ? {}
      : { worker: { type: "string", enum: [workerDefault, ...workers] } }),
  };
  return {
    type: "object",
    properties: {
      subtasks: {
        type: "array",
        minItems: 1,
        maxItems: subtasksMax,
        items: {
          type: "object",
          properties,
          required: Object.keys(properties),
          additionalProperties: false,
        },
      },
    },
    required: ["subtasks"],
    additionalProperties: false,
  };
}

/** What the planner is asked. */
export function plannerPrompt(prompt: string, limits: PlanLimits): readonly PromptMessage[] {
  const { subtasksMax, workers } = limits;
  const few = Math.min(subtasksMin, subtasksMax);
  const rules = [
    "You split a request into parts that different workers do at the same time.",
    `Make ${few} to ${subtasksMax} subtasks, fewer if the request is small.`,
    "A worker sees the prompt of its own subtask and nothing else: put everything into it that the worker has to know.",
    "No subtask may need the result of another one. Somebody else puts the results together.",
    workers.length === 0
      ? ""
      : `Each subtask names its worker: ${workers.join(", ")}, or ${workerDefault} for anything else.`,
    'Answer with JSON alone: {"subtasks": [{"title": "a few words", "prompt": "what to do"',
    workers.length === 0 ? "}]}." : ', "worker": "..."}]}.',
  ];
  return [
    { role: "system", content: rules.filter((rule) => rule !== "").join(" ") },
    { role: "user", content: prompt },
  ];
}

/** What the planner is told after an answer that was no plan. */
export function planAgain(answer: string, problem: string): readonly PromptMessage[] {
  return [
    { role: "assistant", content: answer.slice(0, badPlanCharsMax) || "(nothing)" },
    {
      role: "user",
      content: `That is not a valid plan: ${problem}. Answer with the JSON object alone.`,
    },
  ];
}

/** Reads a planner's answer. Text around the JSON is forgiven, anything else is a problem. */
export function readPlan(answer: string, limits: PlanLimits): PlanResult {
  const json = jsonIn(answer);
  if (json === undefined) return { problem: "it holds no JSON object" };
  const list = isRecord(json.value) ? json.value["subtasks"] : json.value;
  if (!Array.isArray(list)) return { problem: '"subtasks" must be a list' };
  if (list.length === 0) return { problem: '"subtasks" is empty' };
  if (list.length > limits.subtasksMax) {
    return { problem: `it has ${list.length} subtasks, the most is ${limits.subtasksMax}` };
  }
  const subtasks: Subtask[] = [];
  for (const [index, item] of list.entries()) {
    const read = readSubtask(item, limits);
    if (typeof read === "string") return { problem: `subtask ${index + 1}: ${read}` };
    subtasks.push(read);
  }
  return { subtasks };
}

function readSubtask(item: unknown, { workers }: PlanLimits): Subtask | string {
  if (!isRecord(item)) return "must be an object";
  const { title, prompt, worker } = item;
  if (typeof title !== "string" || title.trim() === "") return '"title" must be text';
  if (typeof prompt !== "string" || prompt.trim() === "") return '"prompt" must be text';
  if (title.length > titleCharsMax) return `"title" has more than ${titleCharsMax} characters`;
  if (prompt.length > subtaskCharsMax)
    return `"prompt" has more than ${subtaskCharsMax} characters`;
  const role = worker ?? workerDefault;
  if (typeof role !== "string" || (role !== workerDefault && !workers.includes(role))) {
    return `"worker" must be one of ${[workerDefault, ...workers].join(", ")}`;
  }
  return { title: title.trim(), prompt, role };
}

/** The JSON in an answer: all of it, what stands in a code fence, or what stands between the outermost braces. */
function jsonIn(answer: string): { readonly value: unknown } | undefined {
  const braced = answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1);
  for (const text of [answer, fencedIn(answer), braced]) {
    if (text === undefined || text.trim() === "") continue;
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null) return { value };
    } catch {
      // Not this one.
    }
  }
  return undefined;
}
