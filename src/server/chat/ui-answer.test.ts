import { array, assert, boolean, nat, property, record, string } from "fast-check";
import { expect, test } from "vitest";

import { formatId } from "../../core/ids.ts";
import { zeroTask } from "../../core/task/state.ts";
import { taskView, type TaskView } from "../../core/task/view.ts";
import type { FeedEvent } from "../../engine/index.ts";
import { UiPage } from "../../../test/ui-page.ts";
import { UiAnswer } from "./ui-answer.ts";

const taskId = formatId("task", 0, new Uint8Array(10));
const at = { taskId, cursor: { seq: 1, attempt: 1, entry: 0 } };

function viewWith(changes: Partial<TaskView>): TaskView {
  const state = zeroTask(taskId);
  state.spec = {
    type: "chat",
    userId: "u1",
    input: null,
    queue: "chat",
    priority: "interactive",
    rootId: taskId,
  };
  return { ...taskView(state), ...changes };
}

const token = (text: string, offset: number): FeedEvent => ({
  ...at,
  kind: "token",
  text,
  offset,
  attempt: 1,
});
const begin: FeedEvent = { ...at, kind: "call", op: "call:chat#1", state: "started", finish: null };
const ended = (finish: string): FeedEvent => ({
  ...at,
  kind: "call",
  op: "call:chat#1",
  state: "ended",
  finish,
});
const reset = (offset: number): FeedEvent => ({
  ...at,
  kind: "reset",
  attempt: 2,
  offset,
  reason: "lost",
});
const end = (task: Partial<TaskView>): FeedEvent => ({ ...at, kind: "end", task: viewWith(task) });
const think = (text: string): FeedEvent => ({ ...at, kind: "reasoning", text, attempt: 1 });
const toolIn = (id: string): FeedEvent => ({
  ...at,
  kind: "tool",
  id,
  name: "look",
  state: "intended",
  input: { q: id },
});
const toolOut = (id: string): FeedEvent => ({
  ...at,
  kind: "tool",
  id,
  name: "",
  state: "confirmed",
  output: `of ${id}`,
});

function play(...events: readonly FeedEvent[]): UiPage {
  const page = new UiPage();
  const answer = new UiAnswer(taskId, "msg_1");
  page.take(answer.begin());
  for (const event of events) page.take(answer.take(event));
  return page;
}

const types = (page: UiPage): string[] => page.chunks.map(({ type }) => type);

test("[CHATDOOR1] an answer of one call has the chunks AI SDK expects, in their order", () => {
  const page = play(
    begin,
    token("Hel", 0),
    token("lo", 3),
    ended("stop"),
    end({ status: "completed", output: { text: "Hello" } }),
  );
  expect(page.chunks).toEqual([
    { type: "start", messageId: "msg_1", messageMetadata: { taskId } },
    { type: "start-step" },
    { type: "text-start", id: "text-1" },
    { type: "text-delta", id: "text-1", delta: "Hel" },
    { type: "text-delta", id: "text-1", delta: "lo" },
    { type: "text-end", id: "text-1" },
    { type: "finish-step" },
    { type: "finish", finishReason: "stop", messageMetadata: { taskId } },
  ]);
});

test("[CHATDOOR1] each model call is a step with its reasoning and the tools it asked for", () => {
  const page = play(
    begin,
    think("hm"),
    token("Wait. ", 0),
    ended("toolCalls"),
    toolIn("a"),
    toolOut("a"),
    begin,
    token("Done.", 6),
    ended("stop"),
    end({ status: "completed", output: { text: "Wait. Done." } }),
  );
  expect(page.parts).toEqual([
    { type: "step" },
    { type: "reasoning", id: "reasoning-1", text: "hm", open: false },
    { type: "text", id: "text-2", text: "Wait. ", open: false },
    { type: "tool", id: "a", output: "of a" },
    { type: "step" },
    { type: "text", id: "text-3", text: "Done.", open: false },
  ]);
  expect(types(page).at(-1)).toBe("finish");
});

test("[CHATDOOR1] an answer that was never streamed is shown when it is there", () => {
  expect(play(end({ status: "completed", output: { text: "all at once" } })).text()).toBe(
    "all at once",
  );
  expect(
    play(
      token("begun", 0),
      end({ status: "completed", output: { text: "begun and ended" } }),
    ).text(),
  ).toBe("begun and ended");
  expect(play(end({ status: "completed", output: "plain" })).text()).toBe("plain");
  expect(play(end({ status: "completed", output: { n: 1 } })).text()).toBe('{"n":1}');
});

test.each([
  ["length", "length"],
  ["filter", "content-filter"],
  ["toolCalls", "tool-calls"],
  ["new in 2030", "stop"],
])("[CHATDOOR1] a call that ended with %s finishes as %s", (finish, reason) => {
  const page = play(begin, token("x", 0), ended(finish), end({ status: "completed", output: "x" }));
  expect(page.chunks.at(-1)).toMatchObject({ type: "finish", finishReason: reason });
});

test("[CHATDOOR10] a failure is an error in words, a cancel is an abort, and both close what is open", () => {
  const failed = play(
    begin,
    token("x", 0),
    end({ status: "failed", error: { code: "model_broken", message: "it broke" } }),
  );
  expect(failed.chunks.slice(-3)).toEqual([
    { type: "text-end", id: "text-1" },
    { type: "finish-step" },
    { type: "error", errorText: "it broke" },
  ]);
  const cancelled = play(
    token("x", 0),
    end({ status: "cancelled", error: { code: "cancelled", message: "by its user" } }),
  );
  expect(cancelled.chunks.slice(-2)).toEqual([
    { type: "finish-step" },
    { type: "abort", reason: "by its user" },
  ]);
  expect(play(end({ status: "expired" })).chunks.at(-1)).toEqual({
    type: "error",
    errorText: "the task is expired",
  });
});

test("[CHATDOOR9] a wait is told with its reason and place, as transient data, and so is its end", () => {
  const page = new UiPage();
  const answer = new UiAnswer(taskId, "msg_1");
  const waiting = viewWith({
    status: "queued",
    reason: { code: "slot", message: "waits for a free slot" },
  });
  page.take(answer.take({ ...at, kind: "state", task: waiting }));
  page.take(answer.placed(waiting, 3));
  page.take(
    answer.take({ ...at, kind: "state", task: viewWith({ status: "running", reason: null }) }),
  );
  page.take(
    answer.take({ ...at, kind: "state", task: viewWith({ status: "running", reason: null }) }),
  );
  const told = {
    taskId,
    status: "queued",
    code: "slot",
    message: "waits for a free slot",
    untilAt: null,
  };
  expect(page.chunks).toEqual([
    { type: "data-queue", id: "queue", transient: true, data: { ...told, position: null } },
    { type: "data-queue", id: "queue", transient: true, data: { ...told, position: 3 } },
    {
      type: "data-queue",
      id: "queue",
      transient: true,
      data: {
        taskId,
        status: "running",
        code: null,
        message: "is running",
        untilAt: null,
        position: null,
      },
    },
  ]);
});

test("[CHATDOOR6] a lost attempt that says the same again shows nothing twice and takes nothing back", () => {
  const page = play(
    begin,
    token("one two", 0),
    reset(0),
    begin,
    token("one", 0),
    token(" two three", 3),
    ended("stop"),
    end({ status: "completed", output: "one two three" }),
  );
  expect(types(page)).not.toContain("reset-step");
  expect(page.text()).toBe("one two three");
});

test("[CHATDOOR6] a lost attempt that says something else takes its step back, and keeps the steps before", () => {
  const first = [
    begin,
    token("A. ", 0),
    ended("toolCalls"),
    toolIn("a"),
    toolOut("a"),
    begin,
    token("bee", 3),
  ];
  const again = [
    reset(0),
    begin,
    token("A. ", 0),
    ended("toolCalls"),
    toolIn("a"),
    toolOut("a"),
    begin,
    token("beetle", 3),
    ended("stop"),
  ];
  expect(play(...first, ...again, end({ status: "completed", output: "A. beetle" })).text()).toBe(
    "A. beetle",
  );
  const other = [
    reset(0),
    begin,
    token("A. ", 0),
    ended("toolCalls"),
    toolIn("a"),
    toolOut("a"),
    begin,
    token("bus", 3),
    ended("stop"),
  ];
  const page = play(...first, ...other, end({ status: "completed", output: "A. bus" }));
  expect(page.text()).toBe("A. bus");
  expect(page.parts.filter(({ type }) => type === "tool")).toEqual([
    { type: "tool", id: "a", output: "of a" },
  ]);
  expect(types(page).filter((type) => type === "reset-step")).toHaveLength(1);
});

test("[CHATDOOR6] an answer that became shorter loses its tail", () => {
  const page = play(
    begin,
    token("long tail", 0),
    reset(0),
    begin,
    token("long", 0),
    ended("stop"),
    end({ status: "completed", output: "long" }),
  );
  expect(page.text()).toBe("long");
  expect(
    play(
      begin,
      token("gone", 0),
      reset(0),
      end({ status: "failed", error: { code: "model_broken", message: "x" } }),
    ).text(),
  ).toBe("");
});

test("[CHATDOOR6] a step that thinks again is written anew", () => {
  const page = play(
    begin,
    think("first"),
    token("x", 0),
    reset(0),
    begin,
    think("second"),
    token("y", 0),
    ended("stop"),
    end({ status: "completed", output: "y" }),
  );
  expect(page.parts).toEqual([
    { type: "step" },
    { type: "reasoning", id: "reasoning-3", text: "second", open: false },
    { type: "text", id: "text-4", text: "y", open: false },
  ]);
});

test("[CHATDOOR6] a change before the open step cannot be shown: the connection has to break off", () => {
  const answer = new UiAnswer(taskId, "msg_1");
  for (const event of [
    begin,
    token("first ", 0),
    ended("stop"),
    begin,
    token("second", 6),
    reset(0),
    begin,
  ])
    answer.take(event);
  expect(() => answer.take(token("other", 0))).toThrow(/cannot be continued/);
  expect(() => new UiAnswer(taskId, "m").take(token("late", 5))).toThrow(/expected 0/);
});

/** A run with lost attempts: calls with texts; a lost one is cut, and the next begins at it or at the beginning. */
const run = array(
  record({
    text: string({ minLength: 1, maxLength: 12 }),
    cutAt: nat(12),
    whole: boolean(),
    other: string({ maxLength: 6 }),
  }),
  { minLength: 1, maxLength: 5 },
);

test("[CHATDOOR6] whatever is lost and said again, the page ends with exactly the text of the feed", () => {
  assert(
    property(run, (calls) => {
      const events: FeedEvent[] = [];
      let done = "";
      const say = (text: string, offset: number): void => {
        // A call's tokens arrive in pieces of three.
        for (let from = 0; from < text.length; from += 3)
          events.push(token(text.slice(from, from + 3), offset + from));
      };
      const finished: string[] = [];
      for (const { text, cutAt, whole, other } of calls) {
        events.push(begin);
        say(other === "" ? text.slice(0, cutAt) : other, done.length);
        // Lost here: the call begins again, or the whole attempt does and says its finished calls in one piece.
        events.push(reset(whole ? 0 : done.length));
        if (whole) {
          let offset = 0;
          for (const said of finished) {
            events.push(begin, token(said, offset), ended("stop"));
            offset += said.length;
          }
        }
        events.push(begin);
        say(text, done.length);
        events.push(ended("stop"));
        finished.push(text);
        done += text;
      }
      const page = play(...events, end({ status: "completed", output: { text: done } }));
      expect(page.text()).toBe(done);
    }),
  );
});
