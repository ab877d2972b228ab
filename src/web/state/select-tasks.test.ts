import { describe, expect, test } from "vitest";
import { decodeTask } from "../../client/decode.ts";
import type { Task } from "../../client/index.ts";
import { activeCount, taskLines, taskTitle } from "./select-tasks.ts";

function task(id: string, fields: Partial<Task> = {}): Task {
  const createdAt = `2026-01-01T00:00:0${id.length}Z`;
  return { ...decodeTask({ id, type: "note", status: "running", createdAt }), ...fields };
}

function byId(...tasks: readonly Task[]): Record<string, Task> {
  return Object.fromEntries(tasks.map((each) => [each.id, each]));
}

describe("lines of the panel", () => {
  test("[WEB23] newest first; subtasks under their task, oldest first, all on one level", () => {
    const tasks = byId(
      task("a"),
      task("bb"),
      task("ccc", { parentId: "a" }),
      task("dddd", { parentId: "a" }),
      task("eeeee", { parentId: "ccc" }),
    );
    const lines = taskLines(tasks, "all", null).map(({ taskId, depth }) => [taskId, depth]);
    expect(lines).toEqual([
      ["bb", 0],
      ["a", 0],
      ["ccc", 1],
      ["eeeee", 1],
      ["dddd", 1],
    ]);
  });

  test("[WEB22] a subtask whose parent is filtered out stands by itself", () => {
    const tasks = byId(task("a"), task("bb", { parentId: "a", status: "failed" }));
    expect(taskLines(tasks, "failed", null)).toEqual([{ taskId: "bb", depth: 0 }]);
    expect(activeCount({ tasks, route: { sessionId: null, taskId: null } })).toBe(1);
  });

  test("[WEB23] the open chat's answers are left out, other chats' are not", () => {
    const tasks = byId(
      task("a", { type: "chat", chatId: "chat_1" }),
      task("bb", { type: "chat", chatId: "chat_2" }),
    );
    expect(taskLines(tasks, "all", "chat_1").map(({ taskId }) => taskId)).toEqual(["bb"]);
    // The badge counts what the panel lists.
    expect(activeCount({ tasks, route: { sessionId: "chat_1", taskId: null } })).toBe(1);
    expect(activeCount({ tasks, route: { sessionId: null, taskId: null } })).toBe(2);
  });
});

describe("a task's title", () => {
  test.each([
    [{ title: "Named" }, "Named"],
    [{ input: { prompt: "First line\nsecond" } }, "First line"],
    [{ input: { text: "  water the plants " } }, "water the plants"],
    [{ input: "only text" }, "only text"],
    [{ input: { n: 1 } }, "note"],
    [{ input: undefined }, "note"],
    [{ input: null, type: "chat" }, "Answer in a chat"],
    [{ input: { text: "x".repeat(200) } }, `${"x".repeat(120)}…`],
  ] as const)("[WEB20] %j is shown as %s", (fields, title) => {
    expect(taskTitle(task("a", fields))).toBe(title);
  });
});
