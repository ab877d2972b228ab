import * as fc from "fast-check";
import { expect, test } from "vitest";

import { messageText, type ChatMessage } from "../core/session/state.ts";
import { chooseMemory, earlierMessages, promptOfMemory } from "./memory.ts";

function turn(name: string, said: string, answer: string | null): readonly ChatMessage[] {
  const shared = { taskId: name, error: null, createdAtMs: 0 };
  return [
    {
      ...shared,
      id: `${name}-u`,
      role: "user",
      status: "completed",
      parts: [{ type: "text", text: said }],
    },
    {
      ...shared,
      id: `${name}-a`,
      role: "assistant",
      status: answer === null ? "failed" : "completed",
      parts: answer === null ? [] : [{ type: "text", text: answer }],
    },
  ];
}

test("[CHAT6] what came before a turn is what stands before its own message", () => {
  const messages = [
    ...turn("t1", "one", "1"),
    ...turn("t2", "two", null),
    ...turn("t3", "three", null),
  ];
  expect(earlierMessages(messages, "t2").map(({ id }) => id)).toEqual(["t1-u", "t1-a"]);
  expect(earlierMessages(messages, "other")).toHaveLength(6);
});

test("[CHAT6] an answer that failed is not remembered, its question is", () => {
  const messages = [...turn("t1", "one", null), ...turn("t2", "two", "2")];
  expect(promptOfMemory(messages, chooseMemory(messages, 1_000))).toEqual([
    { role: "user", content: "one" },
    { role: "user", content: "two" },
    { role: "assistant", content: "2" },
  ]);
});

test("[CHAT6] memory is the newest whole turns that fit, in order", () => {
  const text = fc.string({ maxLength: 60 });
  const turns = fc.array(fc.tuple(text, fc.option(text)), { maxLength: 12 });
  fc.assert(
    fc.property(turns, fc.nat(400), (said, charsMax) => {
      const messages = said.flatMap(([asked, answer], index) => turn(`t${index}`, asked, answer));
      const chosen = chooseMemory(messages, charsMax);
      const prompt = promptOfMemory(messages, chosen);
      const chars = prompt.reduce((sum, { content }) => sum + content.length, 0);
      expect(chars).toBeLessThanOrEqual(charsMax);
      const kept = messages.filter(
        (message) => message.status === "completed" && messageText(message) !== "",
      );
      // A tail of all that can be remembered, and all of a turn or nothing of it.
      expect(chosen).toEqual(kept.slice(kept.length - chosen.length).map(({ id }) => id));
      const first = chosen[0]?.slice(0, -2);
      const ofFirst = kept.filter(({ taskId }) => taskId === first);
      expect(chosen.slice(0, ofFirst.length)).toEqual(ofFirst.map(({ id }) => id));
    }),
  );
});
