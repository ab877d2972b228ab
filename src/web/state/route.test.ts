import { describe, expect, test } from "vitest";
import { formatRoute, parseRoute } from "./route.ts";

const taskId = "task_01m80ajpps90yawvntg8m1tvw5";

describe("the address", () => {
  test("[WEB9] names the chat and the task, and reads back what it wrote", () => {
    const routes = [
      { sessionId: null, taskId: null },
      { sessionId: "chat_1", taskId: null },
      { sessionId: null, taskId },
      { sessionId: "chat_1", taskId },
    ];
    expect(routes.map(formatRoute)).toEqual([
      "#/",
      "#/c/chat_1",
      `#/t/${taskId}`,
      `#/c/chat_1/t/${taskId}`,
    ]);
    expect(routes.map((route) => parseRoute(formatRoute(route)))).toEqual(routes);
  });

  test("[WEB9] ids that cannot exist, and anything else, name nothing", () => {
    const nowhere = { sessionId: null, taskId: null };
    for (const hash of [
      "",
      "#",
      "#/c/",
      "#/c/../x",
      "#/c/%E0%A4%A",
      "#/t/task_1",
      "#/x/y",
      "#/c/stream",
    ]) {
      expect(parseRoute(hash)).toEqual(nowhere);
    }
  });
});
