import { describe, expect, test } from "vitest";
import type { Estimate } from "../../client/index.ts";
import { decodeQueue } from "../../client/decode.ts";
import { standOfQueue } from "./queue-words.ts";
import { newSentences, wordsOfEnd } from "./spoken.ts";
import {
  lineOfWait,
  shareOf,
  wordOfWait,
  wordsOfProgress,
  wordsOfReason,
  wordsOfWait,
} from "./task-words.ts";
import { agoWords, durationWords, ordinal, rangeWords } from "./time-words.ts";

const reason = {
  code: "slot",
  untilAt: null,
  queue: "chat_tasks",
  position: 3,
  message: "busy",
  estimate: null,
  cause: null,
  error: null,
};

const estimate = (p50Ms: number, p90Ms: number): Estimate => ({
  start: { p50Ms, p90Ms },
  end: { p50Ms, p90Ms },
  late: false,
});

describe("words for people", () => {
  test.each([
    [reason, "3rd in line for chat_tasks"],
    [{ ...reason, position: 1 }, "next in line for chat_tasks"],
    [{ ...reason, position: null, queue: null }, "for its turn"],
    [{ ...reason, queue: "model:default" }, "3rd in line for the model"],
    [{ ...reason, queue: "model:gpu0" }, "3rd in line for the model at gpu0"],
    [
      { ...reason, cause: { code: "slot_busy", untilAt: null, error: null } },
      "3rd in line for chat_tasks",
    ],
    [
      { ...reason, cause: { code: "queue_paused", untilAt: null, error: null } },
      "3rd in line for chat_tasks · the queue is paused",
    ],
    [
      {
        ...reason,
        queue: "model:default",
        cause: { code: "endpoint_down", untilAt: "1970-01-01T00:00:31Z", error: null },
      },
      "3rd in line for the model · the model does not answer, asked again in 30 s",
    ],
    [
      { ...reason, cause: { code: "rate_window", untilAt: "1970-01-01T00:00:06Z", error: null } },
      "3rd in line for chat_tasks · its rate is used up, goes on in 5 s",
    ],
    [
      { ...reason, estimate: estimate(9_600, 26_000) },
      "3rd in line for chat_tasks · starts in about 10–25 s",
    ],
    [
      { ...reason, estimate: { ...estimate(9_600, 200_000), late: true } },
      "3rd in line for chat_tasks · later than promised, starts in about 10 s to 3 min",
    ],
    [
      {
        ...reason,
        code: "backoff",
        untilAt: "1970-01-01T00:00:09Z",
        error: { code: "model_unavailable", message: "ECONNREFUSED" },
      },
      "in 8 s · The model could not be reached.",
    ],
    [{ ...reason, code: "held" }, "until you let it go"],
    [{ ...reason, code: "backoff", untilAt: "1970-01-01T00:00:09Z" }, "in 8 s"],
    [{ ...reason, code: "delay" }, "later"],
    [{ ...reason, code: "sleep", untilAt: "1970-01-01T01:00:01Z" }, "goes on in 1 h"],
    [{ ...reason, code: "child" }, "for its subtasks"],
    [{ ...reason, code: "a new one" }, "busy"],
    [{ ...reason, code: "a new one", message: "" }, "a new one"],
  ] as const)("[WEB2] a reason is said: %j", (given, words) => {
    expect(wordsOfReason(given, 1_000)).toBe(words);
  });

  test("[WEB2] some waits have a word of their own", () => {
    expect(wordOfWait({ ...reason, code: "backoff" }, "Queued")).toBe("Retrying");
    expect(wordOfWait(reason, "Queued")).toBe("Queued");
  });

  test("[WEB2] a wait is one line, with a colon only where one belongs", () => {
    const backoff = { ...reason, code: "backoff", untilAt: "1970-01-01T00:00:09Z" };
    expect(lineOfWait(backoff, "Queued", 1_000)).toBe("Retrying in 8 s");
    expect(lineOfWait(reason, "Queued", 1_000)).toBe("Queued: 3rd in line for chat_tasks");
    expect(lineOfWait({ ...reason, code: "child" }, "Waiting", 0)).toBe("Waiting for its subtasks");
    expect(lineOfWait({ ...reason, code: "held" }, "Waiting", 0)).toBe("Held until you let it go");
  });

  test("[TASK30] of a task that runs, what is tried again is one of its calls", () => {
    const backoff = { ...reason, code: "backoff", untilAt: "1970-01-01T00:00:09Z" };
    expect(wordsOfWait({ status: "running", reason: backoff }, 1_000)).toBe(
      "one call is tried again in 8 s",
    );
    expect(wordsOfWait({ status: "delayed", reason: backoff }, 1_000)).toBe("in 8 s");
    expect(wordsOfWait({ status: "running", reason: null }, 1_000)).toBe("");
  });

  test("[WEB2] a guess is said no finer than it is known", () => {
    const said = (
      [
        [200, 900],
        [1_000, 4_400],
        [26_000, 24_000],
        [61_000, 100_000],
        [5_000_000, 9_000_000],
      ] as const
    ).map(([from, to]) => rangeWords(from, to));
    expect(said).toEqual([
      "soon",
      "in about 1–4 s",
      "in about 25 s",
      "in about 60 s to 2 min",
      "in about 83 min to 3 h",
    ]);
  });

  test("[WEB20] progress is a share only when both numbers are there, and never outside 0..1", () => {
    const progress = { done: 1, total: 4, message: "reading", data: null };
    expect(shareOf(progress)).toBe(0.25);
    expect(shareOf({ ...progress, done: 9 })).toBe(1);
    expect(shareOf({ ...progress, total: 0 })).toBe(null);
    expect(shareOf({ ...progress, total: null })).toBe(null);
    expect(wordsOfProgress(progress)).toBe("1 of 4 · reading");
    expect(wordsOfProgress({ ...progress, total: null, message: null })).toBe("1");
  });

  test("[WEB20] times are short and never negative", () => {
    expect([-5, 59_999, 60_000, 7_200_000, 172_800_000].map(durationWords)).toEqual([
      "0 s",
      "59 s",
      "1 min",
      "2 h",
      "2 d",
    ]);
    expect(agoWords(0, 59_000)).toBe("now");
    expect(agoWords(0, 120_000)).toBe("2 min ago");
    expect([1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal).join(" ")).toBe(
      "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th",
    );
  });

  test("[WEB43] only whole sentences and lines are spoken, each once, whatever the cuts", () => {
    const text = "It is 3.5 long. Really? Yes\nand more";
    expect(newSentences(text, 0)).toBe("It is 3.5 long. Really? Yes\n");
    let said = 0;
    const heard: string[] = [];
    for (let end = 0; end <= text.length; end += 1) {
      const piece = newSentences(text.slice(0, end), said);
      if (piece !== "") heard.push(piece.trim());
      said += piece.length;
    }
    expect(heard).toEqual(["It is 3.5 long.", "Really?", "Yes"]);
    expect(wordsOfEnd("cancelled")).toBe("The answer was stopped.");
  });
});

test("[WEB65] a queue says which endpoint of a device is held back, and is busy when its slots are taken", () => {
  const queue = decodeQueue({
    name: "device:gpu0",
    slots: 4,
    running: 1,
    taken: 4,
    pending: 2,
    perBand: [0, 2, 0],
    lines: [{ line: "embed", code: "endpoint_down", untilAt: "2026-11-28T12:00:05.000Z" }],
  });
  const nowMs = Date.parse("2026-11-28T12:00:00.000Z");
  expect(standOfQueue(queue, nowMs)).toMatchObject({
    word: expect.stringMatching(/^embed: the model does not answer/),
    tone: "bad",
  });
  expect(standOfQueue({ ...queue, lines: [] }, nowMs).word).toContain("Busy");
  expect(queue.perBand).toEqual([0, 2, 0]);
});
