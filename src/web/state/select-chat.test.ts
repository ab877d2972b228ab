import { describe, expect, test } from "vitest";
import { decodeMessage, decodeTask } from "../../client/decode.ts";
import { emptyView } from "../../client/index.ts";
import type { ChatMessage, Task, TaskView } from "../../client/index.ts";
import { messageItem } from "./select-chat.ts";

function answer(fields: Partial<ChatMessage> = {}): ChatMessage {
  return { ...decodeMessage({ id: "a1", role: "assistant", status: "pending" }), ...fields };
}

function task(fields: Partial<Task>): Task {
  const createdAt = "2026-01-01T00:00:00Z";
  return { ...decodeTask({ id: "t1", type: "chat", status: "running", createdAt }), ...fields };
}

function view(text: string, of: Task): TaskView {
  return { ...emptyView("t1"), task: of, stream: { attempt: 1, text, broken: false } };
}

const parts = [{ type: "text", text: "stored" }] as const;
const error = { code: "model_stalled", message: "" };

describe("where an answer stands", () => {
  const running = task({});
  const reason = {
    code: "slot",
    queue: "q",
    position: 2,
    message: "",
    untilAt: null,
    estimate: null,
    cause: null,
    error: null,
  };

  test.each([
    ["pending without a word of its task", answer(), null, null, "pending", ""],
    ["queued", answer(), task({ status: "queued", reason }), null, "queued", ""],
    ["delayed", answer(), task({ status: "delayed" }), null, "queued", ""],
    ["waiting", answer(), task({ status: "waiting", reason }), null, "waiting", ""],
    ["running without a word", answer(), running, view("", running), "pending", ""],
    ["streaming", answer(), running, view("so far", running), "streaming", "so far"],
    ["completed", answer({ status: "completed", parts }), null, null, "done", "stored"],
    [
      "completed, while the task still reads running",
      answer({ status: "completed", parts }),
      running,
      view("sto", running),
      "done",
      "stored",
    ],
    [
      "failed, the seen text kept",
      answer({ status: "failed", error }),
      task({ status: "failed", error }),
      view("seen", running),
      "failed",
      "seen",
    ],
    [
      "cancelled by its error",
      answer({ status: "failed", error: { code: "cancelled", message: "" } }),
      null,
      null,
      "stopped",
      "",
    ],
    [
      "cancelled by its task",
      answer({ status: "failed", error }),
      task({ status: "cancelled", partial: "seen" }),
      null,
      "stopped",
      "seen",
    ],
    ["expired", answer({ status: "failed" }), task({ status: "expired" }), null, "failed", ""],
    ["retried after a failure", answer({ status: "failed", error }), running, null, "pending", ""],
    [
      "ended on one feed, but not yet on the one with the text",
      answer(),
      task({ status: "completed" }),
      view("nearly al", running),
      "streaming",
      "nearly al",
    ],
  ] as const)("[WEB1] %s", (_name, message, known, followed, is, text) => {
    const item = messageItem(message, known, followed);
    expect({ is: item.state.is, text: item.text }).toEqual({ is, text });
  });

  test("[WEB1] what a person said is said, whatever its task does", () => {
    const item = messageItem(answer({ role: "user", parts, status: "completed" }), running, null);
    expect({ is: item.state.is, text: item.text }).toEqual({ is: "sent", text: "stored" });
  });
});
