import { describe, expect, test } from "vitest";

import type { Delta } from "../ports/models.ts";
import { Answer, sentOf } from "./answer.ts";

const text = (said: string): Delta => ({ type: "text", text: said });
const end: Delta = { type: "finish", reason: "stop" };
const from = { text: "one two", tokens: 2, ran: 1 };

describe("an answer of several slots", () => {
  test("[CALL12] is one text with the usage of all", () => {
    const answer = new Answer(from, undefined);
    answer.take([text(" three"), { type: "usage", inputTokens: 12, outputTokens: 1 }, end], 0);
    expect(answer.result()).toEqual({
      text: "one two three",
      finish: "stop",
      usage: { inputTokens: 10, outputTokens: 3 },
    });
  });

  test("[CALL12] a long run of white space is passed over in one go", () => {
    const spaces = " ".repeat(240_000);
    expect(sentOf({ ...from, text: `one${spaces}two${spaces}` })).toBe(`one${spaces}two`);
  });

  test("[CALL12] white space that servers trim from what they go on with is said once", () => {
    const trailing = { ...from, text: "one\n\n" };
    expect(sentOf(trailing)).toBe("one");
    for (const said of [["\n", "\n", "two"], ["\n\ntwo"], ["two"], [" two"]]) {
      const answer = new Answer(trailing, undefined);
      const shown = said.flatMap((piece) => answer.take([text(piece)], 0));
      answer.take([end], 0);
      expect(answer.result().text).toBe(`one\n\n${said.at(-1) === " two" ? " two" : "two"}`);
      expect(shown.map((one) => one.text).join("")).toBe(answer.result().text.slice(5));
    }
  });

  test("[CALL12] stops only behind something new, and never in or behind what cannot be gone on with", () => {
    const answer = new Answer(from, undefined);
    expect(answer.canStop).toBe(false);
    answer.take([text(" three")], 2_000);
    expect(answer.canStop).toBe(true);
    expect(answer.partial(3_500)).toEqual({ text: "one two three", tokens: 3, ran: 2.5 });
    const bound: Delta[] = [
      { type: "reasoning", text: "hm" },
      { type: "toolCall", call: { id: "1", name: "t", input: {} } },
      end,
    ];
    for (const delta of bound) {
      const other = new Answer(null, undefined);
      other.take([text("a"), delta], 0);
      expect(other).toMatchObject({ canStop: false, isBound: true });
    }
    const full = new Answer(from, 3);
    full.take([text(" three")], 0);
    expect(full.isBound).toBe(true);
  });
});
