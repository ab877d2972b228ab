import { expect, test } from "vitest";

import { messageCharsMax } from "../core/limits.ts";
import { parseTyped } from "./command.ts";
import { parseEnglish } from "./english-command.ts";
import { readPlan } from "./plan.ts";
import { readTaskId } from "./task-reference.ts";
import { fencedIn, withoutEdges, withoutEnd } from "./text-edges.ts";
import { readDue, readWhen } from "./when.ts";

test("[SEC24] the ends of a text are cut off, and nothing inside it", () => {
  expect(withoutEnd("a.b?!.", /[.!?]/)).toBe("a.b");
  expect(withoutEnd("...", /[.!?]/)).toBe("");
  expect(withoutEdges(", a, b ,", /[\s,]/)).toBe("a, b");
  expect(fencedIn("so: ```json\n[1]\n``` and ```2```")).toBe("\n[1]\n");
  expect(fencedIn("``` open")).toBeUndefined();
});

// Each of these took from seconds to hours when a pattern looked for the end of a run at each of its characters.
const runs = [".", "!", " ", "\n", ",", ", ", "'", "`", '"', "now ", " all", " tomorrow", " at 9"];
const before = ["", "remind me a", "enqueue a", "status a", "todo a", "done a", "snooze ", "due a"];

test.each(runs)("[SEC24] as long a message as there may be, all of %j, is read at once", (run) => {
  for (const head of before) {
    const message = `${head}${run.repeat(messageCharsMax / run.length - 10)}b`;
    const command = parseTyped(message);
    if (command !== null) expect(command.name).toMatch(/enqueue|todo|remind|snooze/i);
    expect(parseEnglish(message)).toBeNull();
    expect(readTaskId(message)).toBeNull();
    expect(readDue(message, "2026-11-28")).toBeNull();
    const when = readWhen(message, { nowMs: 0, timeZone: "UTC" });
    const rest = when === null || when === "past" ? "" : when.rest;
    expect(rest.length).toBeLessThan(message.length);
  }
});

test.each([" ", "\n", "```\n", "```json "])(
  "[SEC24] an answer of a model, all of %j, is read at once",
  (run) => {
    const answer = "```json" + run.repeat(100_000) + "x";
    expect(readPlan(answer, { subtasksMax: 3, workers: [] })).toHaveProperty("problem");
  },
);
