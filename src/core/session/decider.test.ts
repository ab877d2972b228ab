import { expect, test } from "vitest";

import { START_MS, given, type Past } from "../../../test/given.ts";
import { spec } from "../../../test/task-facts.ts";
import {
  actedMax,
  messageCharsMax,
  sessionBytesMax,
  sessionTurnsMax,
  todosMax,
} from "../limits.ts";
import { sessionScope, taskScope } from "../scope.ts";
import { messageBytes } from "./message-bytes.ts";
import type { PortableItem } from "./portable.ts";
import type { Todo } from "./todos.ts";
import { sessionDecider, type OnBusy, type SessionCommand } from "./decider.ts";
import { messageText, type ChatMessage, type SessionEvent, type SessionState } from "./state.ts";

const MAIN = sessionScope("ann", "main");
type Given = ReturnType<typeof given<SessionState, SessionCommand, SessionEvent>>;

function session(...facts: readonly Past<SessionEvent>[]): Given {
  return given(sessionDecider, MAIN, facts);
}

/** Ann says her `n`th message, to be answered by task `t<n>`. */
function say(n: number, onBusy: OnBusy = "queue", text = `question ${n}`): SessionCommand {
  return {
    type: "say",
    userMessageId: `u${n}`,
    messageId: `a${n}`,
    taskId: `t${n}`,
    parts: [{ type: "text", text }],
    onBusy,
    spec: turnSpec(n),
  };
}

function turnSpec(n: number) {
  return spec({ type: "chat", sessionId: "main", messageId: `a${n}`, rootId: `t${n}` });
}

function message(id: string, n: number, changes: Partial<ChatMessage> = {}): ChatMessage {
  const user = id.startsWith("u");
  return {
    id,
    role: user ? "user" : "assistant",
    parts: user ? [{ type: "text", text: `question ${n}` }] : [],
    taskId: `t${n}`,
    status: user ? "completed" : "pending",
    error: null,
    createdAtMs: START_MS,
    ...changes,
  };
}

/** The facts of ann's `n`th message. */
function said(n: number): SessionEvent[] {
  return [
    { type: "message.added", message: message(`u${n}`, n) },
    { type: "message.added", message: message(`a${n}`, n) },
    { type: "turn.added", turn: { taskId: `t${n}`, messageId: `a${n}` } },
  ];
}

function ended(n: number, ending = 1, output: unknown = { text: `answer ${n}` }): SessionCommand {
  const end = { status: "completed", output } as const;
  return { type: "turnEnded", taskId: `t${n}`, messageId: `a${n}`, ending, end };
}

const error = { code: "handler_failed", message: "it broke" } as const;

function failed(n: number, ending = 1): SessionCommand {
  const end = { status: "failed", error } as const;
  return { type: "turnEnded", taskId: `t${n}`, messageId: `a${n}`, ending, end };
}

const submits = (n: number, held: { heldBy?: "session" } = {}) => ({
  to: taskScope(`t${n}`),
  body: { type: "submit", spec: { ...turnSpec(n), ...held } },
});
const cancels = (n: number) => ({
  to: taskScope(`t${n}`),
  body: { type: "cancel", by: "session" },
});
const releases = (n: number) => ({ to: taskScope(`t${n}`), body: { type: "release" } });

test("[SESSION1] a message and the task that answers it are accepted in one commit", () => {
  session()
    .when(say(1))
    .then(...said(1))
    .sends(submits(1))
    .answers({ taskId: "t1", messageId: "a1", userMessageId: "u1" })
    .rows({ table: "session", chatId: "main", activeTaskId: "t1", title: "question 1" });
});

test("[SESSION2] the same message again is answered with the turn it made", () => {
  session(...said(1))
    .when(say(1))
    .nothing()
    .answers({ taskId: "t1", messageId: "a1", userMessageId: "u1", repeated: true });
});

test("[SESSION1] a message that comes while another is answered waits behind it", () => {
  const second = session(...said(1)).when(say(2));
  second
    .then(...said(2))
    .sends(submits(2, { heldBy: "session" }))
    .rows({ activeTaskId: "t1" });
  const next = second.when(say(3)).when(ended(1));
  next.sends(releases(2)).rows({ activeTaskId: "t2" });
  next.again().nothing();
  next.when(ended(2)).sends(releases(3)).when(ended(3)).sends().rows({ activeTaskId: null });
});

test("[SESSION1] a waiting turn that ends by itself lets nobody go", () => {
  const cancelled = session(...said(1), ...said(2), ...said(3)).when(failed(2));
  cancelled.sends().when(ended(1)).sends(releases(3));
});

test("[SESSION3] a busy session refuses, queues or interrupts, as the sender asked", () => {
  const busy = session(...said(1), ...said(2));
  busy.when(say(3, "reject")).refused("session_busy");
  const interrupted = busy.when(say(3, "interrupt"));
  interrupted.sends(submits(3, { heldBy: "session" }), cancels(1), cancels(2));
  const order = interrupted.when(failed(1));
  order.sends(releases(2)).when(failed(2)).sends(releases(3));
  session().when(say(1, "interrupt")).sends(submits(1));
  session().when(say(1, "reject")).sends(submits(1));
});

test("[LIMIT1] a limited number of turns waits in one session", () => {
  const turns = Array.from({ length: sessionTurnsMax }, (_, n) => said(n)).flat();
  session(...turns)
    .when(say(999))
    .refused("queue_full");
});

test("[SESSION4] the answer is in the session when its turn has ended, and so is a failure", () => {
  const answered = session(...said(1)).when(ended(1));
  answered.then({
    type: "turn.ended",
    taskId: "t1",
    messageId: "a1",
    parts: [{ type: "text", text: "answer 1" }],
    status: "completed",
    error: null,
    ending: 1,
  });
  expect(answered.state.messages.get("a1")).toMatchObject({ status: "completed", ending: 1 });
  const broken = session(...said(1)).when(failed(1));
  expect(broken.state.messages.get("a1")).toMatchObject({ status: "failed", parts: [], error });
  expect(broken.state.turns).toEqual([]);
});

test("[SESSION4] an output that is no text is shown as JSON rather than lost, and is cut when too long", () => {
  const shown = (output: unknown) => {
    const { state } = session(...said(1)).when(ended(1, 1, output));
    const answer = state.messages.get("a1");
    return answer === undefined ? "" : messageText(answer);
  };
  expect(shown({ n: 1 })).toBe('{"n":1}');
  expect(shown("plain")).toBe("plain");
  expect(shown(null)).toBe("");
  expect(shown({ text: "x".repeat(messageCharsMax + 5) }).length).toBe(messageCharsMax);
  expect(shown(["y".repeat(messageCharsMax)]).length).toBe(messageCharsMax);
  expect(shown({ text: `${"x".repeat(messageCharsMax - 1)}😀` }).length).toBe(messageCharsMax - 1);
});

test("[SESSION5] a late copy of an earlier end does not end a turn that is tried again", () => {
  const again = session(...said(1))
    .when(failed(1))
    .when({ type: "retryTurn", taskId: "t1" });
  again.then({ type: "turn.reopened", turn: { taskId: "t1", messageId: "a1" } });
  again.when(failed(1)).nothing();
  expect(again.when(ended(1, 2)).state.messages.get("a1")).toMatchObject({ status: "completed" });
});

test("[SESSION5] the end of a turn that the session does not have means nothing", () => {
  session().when(ended(1)).nothing();
  session(...said(1))
    .when(ended(1))
    .when(ended(1))
    .nothing();
});

test("[SESSION6] a failed turn is tried again by the same task, behind the turns that wait", () => {
  const turn = { session: MAIN, messageId: "a1" };
  session(...said(1))
    .when(failed(1))
    .when({ type: "retryTurn", taskId: "t1" })
    .sends({ to: taskScope("t1"), body: { type: "retry", turn } })
    .rows({ activeTaskId: "t1" })
    .again()
    .nothing();
  session(...said(1), ...said(2))
    .when(failed(1))
    .when({ type: "retryTurn", taskId: "t1" })
    .sends({ to: taskScope("t1"), body: { type: "retry", turn, held: "session" } })
    .rows({ activeTaskId: "t2" });
});

test("[SESSION6] only a failed turn is tried again", () => {
  session().when({ type: "retryTurn", taskId: "t1" }).refused("not_found");
  session(...said(1))
    .when(ended(1))
    .when({ type: "retryTurn", taskId: "t1" })
    .refused("conflict");
});

test("[SESSION7] a stop cancels one turn, the active one unless it is named", () => {
  const busy = session(...said(1), ...said(2));
  busy.when({ type: "stop" }).then().sends(cancels(1)).answers({ stopped: "t1" });
  busy.when({ type: "stop", taskId: "t2" }).sends(cancels(2)).answers({ stopped: "t2" });
  busy.when({ type: "stop", taskId: "t9" }).nothing().answers({ stopped: null });
  session().when({ type: "stop" }).nothing().answers({ stopped: null });
});

test("[SESSION8] a deleted session keeps nothing, and its turns are cancelled", () => {
  const deleted = session(...said(1), ...said(2)).when({ type: "delete" });
  deleted
    .then({ type: "session.deleted" })
    .sends(cancels(1), cancels(2))
    .rows({ deleted: true, title: "", activeTaskId: null });
  expect(deleted.state).toMatchObject({ turns: [], title: "", bytes: 0 });
  expect(deleted.state.messages.size).toBe(0);
  deleted.again().nothing();
  deleted.when(failed(1)).nothing();
  session().when({ type: "delete" }).nothing();
});

test("[SESSION8] a message to a deleted session begins it anew", () => {
  const anew = session(...said(1))
    .when({ type: "delete" })
    .when(say(2));
  anew.rows({ deleted: false, title: "question 2", activeTaskId: "t2" });
  expect([...anew.state.messages.keys()]).toEqual(["u2", "a2"]);
});

test("[SESSION9] the first line of the first message is the title, until it is renamed", () => {
  const long = session().when(say(1, "queue", `  ${"very ".repeat(40)}long\nsecond line`));
  expect(long.state.title).toHaveLength(80);
  const pair = session().when(say(1, "queue", `${"x".repeat(79)}\u{1f600} and so on`));
  expect(pair.state.title).toBe("x".repeat(79));
  const renamed = long.when({ type: "rename", title: "Short" });
  renamed.then({ type: "session.renamed", title: "Short" }).rows({ title: "Short" });
  expect(renamed.when(say(2)).state.title).toBe("Short");
});

test("[SESSION10] a snapshot brings the same state back", () => {
  const { state } = session(...said(1), ...said(2)).when(failed(1));
  const saved = JSON.parse(JSON.stringify(sessionDecider.snapshot?.save(state))) as unknown;
  expect(sessionDecider.snapshot?.load(MAIN, saved)).toEqual(state);
  expect(sessionDecider.owner(state)).toBe("ann");
});

test("[SESSION11] a failed message keeps once what its turn had said; one that says something does not change", () => {
  const keep = { type: "keep", messageId: "a1", text: "half an ans" } as const;
  const stopped: SessionEvent = {
    type: "turn.ended",
    taskId: "t1",
    messageId: "a1",
    parts: [],
    status: "failed",
    error: { code: "cancelled", message: "stopped" },
  };
  const kept: SessionEvent = {
    type: "message.kept",
    messageId: "a1",
    parts: [{ type: "text", text: "half an ans" }],
  };
  session(...said(1), stopped)
    .when(keep)
    .then(kept);
  session(...said(1), stopped, kept)
    .when({ ...keep, text: "other" })
    .nothing();
  session(...said(1))
    .when(keep)
    .nothing();
});

test("[LIMIT1] a session takes no message when it is full, and says so; what was accepted is answered", () => {
  const huge = (n: number): SessionEvent => ({
    type: "message.added",
    message: {
      id: `old${n}`,
      role: "user",
      parts: [{ type: "text", text: "x".repeat(messageCharsMax) }],
      taskId: null,
      status: "completed",
      error: null,
      createdAtMs: START_MS,
    },
  });
  const count = Math.floor(sessionBytesMax / (2 * messageCharsMax + 200));
  const facts = Array.from({ length: count }, (_, n) => huge(n));
  const { state } = session(...facts).when(say(1));
  expect(state.bytes).toBeLessThan(sessionBytesMax);
  const full = session(...facts, ...said(1));
  full.when(say(2, "queue", "y".repeat(messageCharsMax))).refused("limit_exceeded");
  expect(full.when(ended(1)).state.messages.get("a1")?.status).toBe("completed");
});

test("[SESSION10] a session weighs what it holds, however often its messages have changed", () => {
  const { state } = session(...said(1)).when(failed(1));
  const weight = [...state.messages.values()].reduce((sum, one) => sum + messageBytes(one), 0);
  expect(state.bytes).toBe(weight);
});

test("[LIMIT1] a session that is imported has no more than one that has grown here", () => {
  const head = { title: "", createdAtMs: 1, updatedAtMs: 1, turns: [], summary: null, plan: null };
  const part = (number: number, items: readonly PortableItem[]): SessionCommand => ({
    type: "import",
    hash: "h",
    part: number,
    last: false,
    head,
    items,
    specs: [],
  });
  const todos = Array.from({ length: todosMax }, (_, n) => ({ todo: todo(n) }));
  const acted = Array.from({ length: actedMax }, (_, n) => ({ acted: [`w${n}`, []] as const }));
  const first = session().when(part(0, [...todos, ...acted]));
  first.answers({ next: 1, done: false });
  first.when(part(1, [{ todo: todo(todosMax) }])).refused("limit_exceeded");
  first.when(part(1, [{ acted: ["more", []] }])).refused("limit_exceeded");
  const text = "x".repeat(sessionBytesMax / 2);
  const huge = { message: message("u1", 1, { parts: [{ type: "text", text }] }) };
  first.when(part(1, [huge])).refused("limit_exceeded");
});

function todo(n: number): Todo {
  return {
    id: `todo_${n}`,
    text: "t",
    status: "open",
    dueDay: null,
    source: null,
    operationId: null,
    createdAtMs: 1,
    doneAtMs: null,
  };
}
