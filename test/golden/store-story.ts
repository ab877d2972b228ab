/** A small life of everything that is stored: every kind of fact, row, stream, timer and key, in a few tasks. */
import { queueScope, sessionScope, taskScope, userScope } from "../../src/core/scope.ts";
import { approvals, planner } from "./planner-story.ts";
import { ANN, MAIN, minuteMs, Story, type WorkerCommand } from "./story.ts";
import { type KernelBench, quiet } from "../contracts/kernel-bench.ts";

const error = { code: "handler_failed", message: "it broke" } as const;
const stalled = { code: "model_stalled", message: "the model fell silent" } as const;

/** Where no message ever arrives, so that the outbox has something to keep. */
export const ELSEWHERE = queueScope("elsewhere");

/** Lets everything happen once. The tasks' names are those of the story, not their ids. */
export async function tellStory(bench: KernelBench): Promise<void> {
  const story = new Story(bench);
  await bench.kernel.start();
  await queues(story);
  await ends(story);
  await handler(story);
  await conversation(story);
  await planner(story);
  await approvals(story);
  await lanes(story);
  await schedules(story);
  await scarce(story);
  await cuts(story);
  await open(story);
}

/** A scarce endpoint: limits, what is learnt, a pause it asked for, a promise, a task that is promoted. */
async function scarce(story: Story): Promise<void> {
  const settings = { slots: 1, slotsPerKey: null, requestsPerMinute: 600, tokensPerMinute: 60_000 };
  await story.queue("scarce", { type: "configure", settings, live: true });
  const op = "call:chat#1";
  const asked = { role: "chat", hash: "h", cost: 2, lead: 0.5, tokens: 400 } as const;
  const ask: WorkerCommand = { type: "call", op, queue: "scarce", ...asked };
  const result = {
    text: "hi",
    finish: "stop",
    usage: { inputTokens: 9, outputTokens: 2 },
  } as const;
  for (const name of ["a tree", "is promised", "is asked to wait"]) {
    await story.submit(name);
    await story.work(name, ask);
  }
  await story.later(3_000);
  const first = await story.granted("a tree", op);
  const speed = { model: "m", input: 900, firstMs: 650, output: 121, writeMs: 2_000 };
  await story.work("a tree", { type: "callDone", op, call: first, result, speed });
  await story.work("a tree", { type: "complete", output: null });
  const second = await story.granted("is promised", op);
  const limited = { code: "model_rate_limited", message: "slow down" } as const;
  await story.work("is promised", {
    type: "callFailed",
    op,
    call: second,
    error: limited,
    triesMax: 3,
    retryAfterMs: 20_000,
  });
  await story.submit("is promoted", { queue: "paused", priority: "batch" });
  await story.tell("is promoted", { type: "prioritize", priority: "interactive" });
}

/** An endpoint that goes on from partial answers: one stream that has made room, one that cannot. */
async function cuts(story: Story): Promise<void> {
  const queue = "yields";
  await story.queue(queue, { type: "configure", settings: { slots: 2, slotsPerKey: null } });
  await story.queue(queue, { type: "probed", target: "m http://model/v1", way: "prefill" });
  const op = "call:chat#1";
  const asked = { type: "call", op, queue, role: "chat", hash: "h", cost: 90, lead: 0.5 } as const;
  for (const name of ["makes room", "cannot stop"]) {
    await story.submit(name, { priority: "batch" });
    await story.work(name, { ...asked, cuttable: true });
  }
  await story.later(5_000);
  for (const name of ["a quick question", "another question"]) {
    await story.submit(name, { priority: "interactive", key: name });
    await story.work(name, asked);
  }
  const kept = await story.granted("cannot stop", op);
  await story.queue(queue, { type: "keep", call: kept });
  const cut = await story.granted("makes room", op);
  const partial = { text: "Half an ans", tokens: 4, ran: 4.5 };
  const again = { partial, inputTokens: 100, cost: 80, lead: 0.6 };
  await story.work("makes room", { type: "callCut", op, call: cut, ...again });
}

const call = (op: string): WorkerCommand => ({
  type: "call",
  op,
  queue: "model",
  role: "chat",
  hash: `hash of ${op}`,
  cost: 2,
});

async function queues(story: Story): Promise<void> {
  const settings = { slots: 8, slotsPerKey: null };
  await story.queue("tasks", { type: "configure", settings });
  await story.queue("model", { type: "configure", settings: { slots: 2, slotsPerKey: 1 } });
  await story.queue("paused", { type: "pause", paused: true });
  await story.submit("dies", { queue: "dying" });
  await story.queue("dying", { type: "voidLeases" });
}

/** One task for every end. */
async function ends(story: Story): Promise<void> {
  await story.submit("completed");
  await story.work("completed", { type: "complete", output: { text: "done" } });
  await story.submit("failed", { title: "A task that fails" });
  await story.work("failed", { type: "fail", error, retry: "never" });
  await story.submit("cancelled", { queue: "paused" });
  await story.tell("cancelled", { type: "cancel", reason: "not needed" });
  await story.submit("expired", { queue: "paused", ttlMs: minuteMs });
  await story.later(minuteMs);
  await story.submit("opened again", { deadlineMs: 60 * minuteMs });
  await story.tell("opened again", { type: "cancel" });
  await story.tell("opened again", { type: "retry" });
}

/** One handler that does everything a handler can do. */
async function handler(story: Story): Promise<void> {
  const { kernel } = story.bench;
  const name = "handler";
  await story.submit(name, { traceparent: "00-1-2-01", weight: 2, cost: 3, key: "team" });
  await story.tell(name, { type: "event", name: "go", payload: { yes: true } });
  await story.tell(name, { type: "event", name: "unread", payload: "kept" });
  await story.work(name, { type: "step", op: "step:one", result: { n: 1 } });
  await story.work(name, { type: "progress", progress: { done: 1, total: 3, message: "on it" } });
  await story.work(name, { type: "wait", op: "wait:go#1", name: "go" });
  await story.work(name, { type: "sleep", op: "sleep#1", ms: 1_000 });
  await story.later(1_000);
  await story.work(name, { type: "wait", op: "wait:no#1", name: "no", timeoutMs: 500 });
  await story.later(500);
  await story.work(name, call("call:chat#1"));
  const first = await story.granted(name, "call:chat#1");
  const lost = { type: "callFailed", op: "call:chat#1", error: stalled, triesMax: 2 } as const;
  await story.work(name, { ...lost, call: first });
  await story.later(minuteMs);
  const second = await story.granted(name, "call:chat#1");
  const id = story.id(name);
  const stream = await kernel.openStream(id, `${id}/1`, ANN, 1);
  await kernel.append(stream, [
    { t: "call", op: "call:chat#1", role: "chat", model: "m" },
    { t: "text", d: "Half an" },
    { t: "reset", o: 0, reason: "the call starts again" },
    { t: "text", d: "A whole answer 😀" },
    { t: "callEnd", op: "call:chat#1", finish: "stop" },
  ]);
  const usage = { inputTokens: 3, outputTokens: 5 };
  const result = { text: "A whole answer 😀", finish: "stop", usage } as const;
  await story.work(name, { type: "callDone", op: "call:chat#1", call: second, result });
  await story.work(name, call("call:chat#2"));
  const third = await story.granted(name, "call:chat#2");
  await story.work(name, { ...lost, op: "call:chat#2", call: third, triesMax: 1 });
  const tool = { op: "tool:1", id: "1", name: "mail", hash: "h" } as const;
  await story.work(name, { type: "toolIntend", ...tool });
  await story.work(name, { type: "toolSettle", op: "tool:1", state: "confirmed", output: "sent" });
  await kernel.append(stream, [{ t: "toolOutput", id: "1", output: "sent" }]);
  void kernel.close(stream);
  await story.work(name, { type: "complete", output: { text: "A whole answer 😀" } });
}

function say(story: Story, name: string, n: number): unknown {
  const messageId = `msg_a${n}`;
  const sessionId = "main";
  return {
    type: "say",
    userMessageId: `msg_u${n}`,
    messageId,
    taskId: story.id(name),
    parts: [{ type: "text", text: `Question ${n}?` }],
    onBusy: "queue",
    actionId: `click-${n}`,
    spec: story.spec(name, { type: "chat", sessionId, messageId, priority: "interactive" }),
  };
}

/** A session with an answer, a failure that is tried again, and a turn that waits. */
async function conversation(story: Story): Promise<void> {
  const { kernel } = story.bench;
  const meta = { requestId: "req_1", actionId: "click-1" };
  await kernel.ask(MAIN, say(story, "turn 1", 1), { meta });
  await story.work("turn 1", { type: "complete", output: { text: "Answer 1." } });
  await kernel.ask(MAIN, say(story, "turn 2", 2));
  await story.work("turn 2", { type: "fail", error, retry: "never" });
  await kernel.ask(MAIN, { type: "keep", messageId: "msg_a2", text: "Half an answer" });
  await kernel.ask(MAIN, { type: "retryTurn", taskId: story.id("turn 2") });
  await kernel.ask(MAIN, say(story, "turn 3", 3));
  await kernel.ask(MAIN, { type: "rename", title: "A renamed talk" });
  const old = sessionScope(ANN, "old");
  await kernel.ask(old, say(story, "deleted turn", 4));
  await kernel.ask(old, { type: "delete" });
}

async function lanes(story: Story): Promise<void> {
  const ann = userScope(ANN);
  const lane = "today";
  for (const name of ["lane 1", "lane 2", "lane 3"]) {
    const spec = story.spec(name);
    await story.bench.kernel.ask(ann, { type: "laneAdd", lane, taskId: story.id(name), spec });
  }
  await story.bench.kernel.ask(ann, { type: "laneWork", lane });
  await story.work("lane 1", { type: "complete", output: null });
  await story.bench.kernel.ask(ann, { type: "laneAuto", lane, auto: true });
}

/** One schedule that has run and waits, one that is paused, and one that is gone. */
async function schedules(story: Story): Promise<void> {
  const { kernel } = story.bench;
  const ann = userScope(ANN);
  const set = async (name: string): Promise<void> => {
    const { rootId: _root, ...rest } = story.spec(name, { queue: "elsewhere" });
    const spec = { ...rest, rootId: "" };
    const schedule = { name, cron: "* * * * *", timeZone: "UTC", missed: "all", spec };
    const nextAtMs = story.bench.nowMs + minuteMs;
    await kernel.ask(ann, { type: "scheduleSet", schedule, nextAtMs });
  };
  for (const name of ["each-minute", "paused", "gone"]) await set(name);
  await kernel.ask(ann, { type: "schedulePause", name: "paused", paused: true, nextAtMs: null });
  await kernel.ask(ann, { type: "scheduleRemove", name: "gone" });
  const name = "each-minute";
  await kernel.ask(ann, { type: "scheduleRun", name, taskId: story.id("run by hand") });
  await story.later(minuteMs);
  const fromMs = story.bench.nowMs;
  // Nobody computes the next tick, so it is asked for again.
  await story.later(minuteMs);
  await kernel.ask(ann, { type: "schedulePlan", name, fromMs, nextAtMs: fromMs + 9 * minuteMs });
}

/** Tasks that are in the middle of something when the story ends. */
async function open(story: Story): Promise<void> {
  const { kernel } = story.bench;
  await story.submit("delayed", { delayMs: 10 * minuteMs });
  await story.submit("held", { heldBy: "manual" });
  const retry = {
    attemptsMax: 5,
    minDelayMs: minuteMs,
    maxDelayMs: minuteMs,
    factor: 1,
    jitter: 0,
  };
  await story.submit("backs off", { retry });
  await story.work("backs off", { type: "fail", error, retry: "policy" });
  await story.submit("sleeps");
  await story.work("sleeps", { type: "sleep", op: "sleep#1", ms: 5 * minuteMs });
  await story.submit("goes on elsewhere");
  await story.work("goes on elsewhere", { type: "wait", op: "w", name: "go", timeoutMs: minuteMs });
  await story.tell("goes on elsewhere", { type: "rehydrate" });
  await story.submit("parent");
  for (const op of ["a", "b"]) {
    const { rootId: _root, ...spec } = story.spec(`child ${op}`, { queue: "elsewhere" });
    await story.work("parent", { type: "spawn", op: `child:${op}`, spec });
  }
  const children = [...(await story.state("parent")).operations.values()];
  const child = children[0]?.kind === "child" ? children[0].child : "";
  await story.work("parent", { type: "join", ops: ["child:a", "child:b"] });
  await story.tell("parent", {
    type: "childEnded",
    child,
    end: { status: "completed", output: 1 },
  });
  for (const name of ["streams", "waits for a slot"]) {
    await story.submit(name);
    await story.work(name, call("call:chat#1"));
  }
  const id = story.id("streams");
  const stream = await kernel.openStream(id, `${id}/1`, ANN, 1);
  await kernel.append(stream, [{ t: "text", d: "so f" }]);
  await kernel.append(stream, [{ t: "text", d: "ar" }]);
  for (const name of ["in line 1", "in line 2", "leaves the line"]) await story.submit(name);
  await story.tell("leaves the line", { type: "cancel" });
  const key = { userId: ANN, key: "k", hash: "h", ref: story.id("keyed"), expiresAtMs: 9e15 };
  const spec = story.spec("keyed", { queue: "paused", priority: "batch" });
  await kernel.dispatch(taskScope(story.id("keyed")), { type: "submit", spec }, { key });
  await quiet();
}
