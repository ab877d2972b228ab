import { describe, expect, test } from "vitest";

import { planAgain, plannerPrompt, planSchema, readPlan, type PlanLimits } from "./plan.ts";

const limits: PlanLimits = { subtasksMax: 3, workers: ["coder"] };
const one = { title: "A", prompt: "do a" };
const plan = { subtasks: [one] };
const read = { subtasks: [{ ...one, role: "worker" }] };

describe("plans", () => {
  test.each([
    ["JSON alone", JSON.stringify(plan)],
    ["a bare list", JSON.stringify(plan.subtasks)],
    ["a code fence", `Here you are:\n\`\`\`json\n${JSON.stringify(plan)}\n\`\`\`\nGood luck!`],
    ["words around it", `Sure! ${JSON.stringify(plan)} Is that all?`],
    ["thoughts before it", `<think>a list?</think>\n${JSON.stringify(plan)}`],
    ["fields of its own", JSON.stringify({ reason: "small", subtasks: [{ ...one, id: 1 }] })],
  ])("[ORCH7] a plan is read from %s", (_where, answer) => {
    expect(readPlan(answer, limits)).toEqual(read);
  });

  test.each([
    ["", "it holds no JSON object"],
    ["I cannot do that.", "it holds no JSON object"],
    ['{"subtasks": [', "it holds no JSON object"],
    ["{}", '"subtasks" must be a list'],
    ['{"subtasks": {}}', '"subtasks" must be a list'],
    ["[]", '"subtasks" is empty'],
    [JSON.stringify([one, one, one, one]), "it has 4 subtasks, the most is 3"],
    ['["do a"]', "subtask 1: must be an object"],
    [JSON.stringify([one, { prompt: "x" }]), 'subtask 2: "title" must be text'],
    [JSON.stringify([{ title: "A", prompt: " " }]), 'subtask 1: "prompt" must be text'],
    [
      JSON.stringify([{ ...one, title: "x".repeat(201) }]),
      'subtask 1: "title" has more than 200 characters',
    ],
    [
      JSON.stringify([{ ...one, prompt: "x".repeat(20_001) }]),
      'subtask 1: "prompt" has more than 20000 characters',
    ],
    [
      JSON.stringify([{ ...one, worker: "planner" }]),
      'subtask 1: "worker" must be one of worker, coder',
    ],
  ])("[ORCH7] %j is no plan: %s", (answer, problem) => {
    expect(readPlan(answer, limits)).toEqual({ problem });
  });

  test("[ORCH9] a subtask goes to the worker it names", () => {
    const named = JSON.stringify([{ ...one, worker: "coder" }]);
    expect(readPlan(named, limits)).toEqual({ subtasks: [{ ...one, role: "coder" }] });
    expect(readPlan(named, { ...limits, workers: [] })).toHaveProperty("problem");
  });

  test("[ORCH8] the planner is told how many subtasks there may be, in words and in the schema", () => {
    const [system, user] = plannerPrompt("build a house", limits);
    expect(system?.content).toContain("Make 3 to 3 subtasks");
    expect(user).toEqual({ role: "user", content: "build a house" });
    expect(planSchema(limits)).toMatchObject({
      properties: {
        subtasks: {
          maxItems: 3,
          items: {
            required: ["title", "prompt", "worker"],
            properties: { worker: { enum: ["worker", "coder"] } },
          },
        },
      },
    });
    expect(plannerPrompt("x", { subtasksMax: 1, workers: [] })[0]?.content).toContain(
      "Make 1 to 1",
    );
  });

  test("[ORCH7] a bad plan is shown to the planner again, shortened, with the reason", () => {
    const [answer, reason] = planAgain("x".repeat(10_000), "it is bad");
    expect(answer?.content).toHaveLength(4_000);
    expect(reason?.content).toContain("it is bad");
    expect(planAgain("", "it is bad")[0]?.content).toBe("(nothing)");
  });
});
