/** One good request for every operation, and what any answer of an operation must be. */
import { expect } from "vitest";

import { z } from "zod";

import { describeError } from "../../../src/core/errors.ts";
import type { Operation } from "../../../src/server/index.ts";
import { codesOf } from "../../../src/server/openapi.ts";
import { problemShape } from "../../../src/server/wire/schemas.ts";
import { until, type Ask, type Door } from "./door.ts";

/** Things that the requests of a tour are about. They belong to whoever has `key`. */
export interface Sights {
  readonly taskId: string;
  readonly sessionId: string;
  readonly userId: string;
  /** A queue to change; `steered` if absent. */
  readonly queue?: string;
}

/** Makes a waiting task and a session with an answered message. */
export async function makeSights(door: Door, userId: string, key?: string): Promise<Sights> {
  const ask = key === undefined ? {} : { key };
  const task = await door.json("POST", "/api/tasks", {
    ...ask,
    body: { type: "script", input: { acts: [{ say: "said " }, { event: "never" }] } },
  });
  const taskId = String(task.body["id"]);
  await until(door, taskId, ({ status }) => status === "waiting");
  const sessionId = `session-of-${userId}`;
  const said = await door.json("POST", "/api/chat/stream", {
    ...ask,
    body: { message: "help", sessionId },
  });
  await door.engine.ended(String(said.body["taskId"]));
  return { taskId, sessionId, userId };
}

const bodies: Readonly<Record<string, unknown>> = {
  submitTask: {
    type: "echo",
    input: { a: 1 },
    priority: "background",
    delayMs: 0,
    retry: { attemptsMax: 2 },
    title: "t",
    weight: 1,
    fairnessKey: "k",
  },
  sendTaskEvent: { name: "other", payload: { x: 1 } },
  cancelTask: { reason: "not needed" },
  chat: { message: "help" },
  sendMessage: { message: "help" },
  prioritizeTask: { priority: "batch" },
  changeQueue: { requestsPerMinute: null },
  makeKey: { user: "u9" },
  orchestrate: { prompt: "plan it" },
  stopChat: { activeStreamId: "task_x" },
};

/** A good body of an operation; undefined if it takes none. */
export function bodyOf({ id, body }: Operation): unknown {
  return bodies[id] ?? (body === undefined ? undefined : {});
}

/** The path of an operation, with its parameters filled in. */
export function pathOf({ path }: Operation, sights: Sights): string {
  return path
    .replace("{taskId}", sights.taskId)
    .replace("{sessionId}", sights.sessionId)
    .replace("{chatId}", sights.sessionId)
    .replace("{userId}", sights.userId)
    .replace("{queue}", sights.queue ?? "steered");
}

/** Sends the good request of an operation. */
export async function visit(
  door: Door,
  operation: Operation,
  sights: Sights,
  ask: Ask = {},
): Promise<Response> {
  const body = bodyOf(operation);
  return await door.send(operation.method.toUpperCase(), pathOf(operation, sights), {
    ...(body === undefined ? {} : { body }),
    ...ask,
  });
}

/** Words that only the inside of a server knows. */
const internals =
  /node_modules|\.ts:\d|\.js:\d|\bat [\w.<>]+ \(|ENOENT|SQLITE|stack|TypeError|RangeError|ZodError|\/work\//;

/** Checks an answer against what the document says of it; answers its text, "" for a stream, which is let go. */
export async function checkAnswer(operation: Operation, response: Response): Promise<string> {
  const { status } = response;
  const documented = [
    ...Object.keys(operation.answers).map(Number),
    ...codesOf(operation).map((code) => describeError(code).status),
  ];
  expect({
    operation: operation.id,
    status,
    isDocumented: documented.includes(status),
  }).toMatchObject({ isDocumented: true });
  expect(response.headers.get("x-request-id")).toBeTruthy();
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("text/event-stream")) {
    await response.body?.cancel();
    return "";
  }
  const text = await response.text();
  if (status >= 400) {
    expect(type).toBe("application/problem+json");
    problemShape.parse(JSON.parse(text));
    expect(text).not.toMatch(internals);
  } else if (text !== "" && type === "application/json") {
    const shape = operation.answers[status]?.schema ?? z.unknown();
    const result = shape.safeParse(JSON.parse(text));
    expect({ operation: operation.id, issues: result.error?.issues ?? [] }).toMatchObject({
      issues: [],
    });
  }
  return text;
}
