import type { ServerResponse } from "node:http";

import { type AnswerPlan, planAnswer } from "./answer-plan.ts";
import { chatChunks, wholeAnswer } from "./chat-chunks.ts";
import { type ChatRequest, readChatRequest } from "./chat-request.ts";
import { ChatStream, type Pace } from "./chat-stream.ts";
import { type Fault, refusal, refusalOf } from "./faults.ts";
import type { FaultQueue } from "./fault-queue.ts";
import { sendJson, sendRefusal } from "./http-body.ts";
import type { Pacer } from "./pacer.ts";
import { nowMs, type RequestLog, type RequestRecord } from "./request-log.ts";
import type { Slot, Slots } from "./slots.ts";

/** What all requests share. */
export interface FakeState {
  readonly pacer: Pacer;
  readonly slots: Slots;
  readonly log: RequestLog;
  readonly faults: FaultQueue;
  readonly timestamps: boolean;
  readonly goesOn: "prefill" | "continue" | "anew";
  pace: Pace;
}

/** Answers `POST /v1/chat/completions`: faults that need no slot first, then in its turn the answer. */
export function handleChat(state: FakeState, body: unknown, response: ServerResponse): void {
  const request = readChatRequest(body, state.goesOn);
  if (typeof request === "string") {
    sendRefusal(response, refusal(400, request, "invalid_value"));
    return;
  }
  const plan = planAnswer(request);
  const prompt = request.messages.findLast(({ role }) => role === "user")?.content ?? "";
  const record = state.log.begin("/v1/chat/completions", request.model, prompt);
  const fault = state.faults.take(plan.promptHash, plan.script.fault);
  record.fault = fault?.kind;
  let leave: (() => void) | undefined;
  response.on("close", () => {
    leave?.();
    record.endedAtMs = nowMs();
    record.aborted = !response.writableFinished && !closesItself(fault);
    state.log.changed();
  });
  if (fault?.kind === "refuse") {
    record.status = 0;
    response.destroy();
    return;
  }
  const refused = fault === undefined ? undefined : refusalOf(fault);
  if (refused !== undefined) {
    record.status = refused.status;
    sendRefusal(response, refused);
    return;
  }
  leave = state.slots.acquire((slot) => {
    startAnswer(state, { request, plan, record, fault, response, slot });
  });
}

interface Started {
  readonly request: ChatRequest;
  readonly plan: AnswerPlan;
  readonly record: RequestRecord;
  readonly fault: Fault | undefined;
  readonly response: ServerResponse;
  readonly slot: Slot;
}

function startAnswer(state: FakeState, started: Started): void {
  const { request, plan, record, fault, response, slot } = started;
  response.on("close", () => slot.release());
  record.startedAtMs = nowMs();
  record.status = 200;
  state.log.changed();
  const pace: Pace = { ...state.pace, ...plan.script.pace };
  const delayMs = pace.ttftMs + (fault?.kind === "slow" ? fault.delayMs : 0);
  const startMs = performance.now();
  const id = `chatcmpl-fake-${record.number}`;
  const { model, withUsage } = request;
  const chunks = chatChunks(plan, { id, model, withUsage, timestamps: state.timestamps });
  if (!request.isStream) {
    const { tokensPerSecond } = pace;
    const decodeMs = tokensPerSecond === 0 ? 0 : (1_000 * chunks.count) / tokensPerSecond;
    const answer = { run: () => sendWhole(started, id, chunks.count) };
    state.pacer.add(answer, startMs + delayMs + decodeMs);
    return;
  }
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  });
  if (delayMs > 0) response.flushHeaders();
  const firstMs = startMs + delayMs;
  state.pacer.add(new ChatStream(response, chunks, { record, fault, pace, firstMs }), firstMs);
}

/** Without a stream every fault that needs one ends the connection. */
function sendWhole(
  { request, plan, record, fault, response }: Started,
  id: string,
  tokens: number,
) {
  if (fault?.kind === "stall") return undefined;
  if (closesItself(fault)) {
    response.destroy();
    return undefined;
  }
  record.tokensSent = tokens;
  if (!response.destroyed) sendJson(response, 200, wholeAnswer(plan, id, request.model));
  return undefined;
}

function closesItself(fault: Fault | undefined): boolean {
  return fault?.kind === "refuse" || fault?.kind === "cut";
}
