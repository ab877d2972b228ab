import { ErrandError } from "../../core/errors.ts";
import type { Priority } from "../../core/queue/protocol.ts";
import { isEnd } from "../../core/task/status.ts";
import {
  type ModelRequest,
  type Place as PlaceInLine,
  type TaskEnd,
  type VectorRequest,
} from "../../engine/index.ts";
import type { ServerContext } from "../context.ts";
import { hex, sha256 } from "../guard/digest.ts";
import type { Call, HeaderDoc } from "../operation.ts";
import { submitMeta } from "../routes/task-routes.ts";
import { AnswerError } from "./errors.ts";
import { fairnessKeyOf } from "./request-fields.ts";

/** The header by which a client says what its leaving means. */
export const leaveHeader: HeaderDoc = {
  name: "X-Errand-On-Disconnect",
  description:
    "`cancel`: the task is cancelled when the client leaves before its end; `continue`: it goes on. Default: `continue` with an Idempotency-Key, else `cancel`",
};

/** Headers that name the task of an answer and its place. */
export const placeHeaders: Readonly<Record<string, string>> = {
  "X-Errand-Task": "Id of the task: /api/tasks/{id} has everything of it",
  "X-Errand-Position": "Its place in line, if it waits in one",
  "X-Errand-Eta-Ms": "Milliseconds until it is likely to end, if the scheduler can say",
};

/** Longest that a client is told to wait before it asks again. */
const waitMsMax = 3_600_000;

type AnyCall = Call<unknown, unknown, unknown>;

/** What a door's request becomes. */
export interface Wanted {
  readonly type: "completion" | "response" | "embedding";
  readonly request: ModelRequest | VectorRequest;
  readonly priority: Priority;
  /** Its answer is waited for on this connection, without a word before its end. */
  readonly awaited: boolean;
  /** Who is charged, under the admin's key. */
  readonly user?: string | null;
  readonly safety_identifier?: string | null;
}

/** A task in a line: where, and what can be said of its end. */
export interface Place {
  readonly position: number | null;
  /** Null as long as nothing can be said. */
  readonly etaMs: number | null;
}

/** Makes the task of a request, durably, and says where it stands. A repeated Idempotency-Key finds the task it made. */
export async function submitWanted(
  server: ServerContext,
  call: AnyCall,
  wanted: Wanted,
): Promise<{
  readonly taskId: string;
  readonly headers: Readonly<Record<string, string>>;
  /** It was made by an earlier request with the same Idempotency-Key. */
  readonly replayed: boolean;
}> {
  const { type, request, priority } = wanted;
  const fairnessKey = await fairnessKeyOf(call.who, wanted, async (text) =>
    hex(await sha256(text)),
  );
  if (wanted.awaited && cancelsOnLeave(call.request))
    await refuseVain(server, wanted, fairnessKey ?? call.who.userId);
  const { taskId, replayed } = await server.engine.submit(type, request, {
    ...submitMeta(call),
    priority,
    ...(fairnessKey === undefined ? {} : { fairnessKey }),
  });
  const place = await placeOf(server, taskId, wanted);
  return {
    taskId,
    replayed,
    headers: {
      ...headersOf(taskId, place),
      ...(replayed ? { "idempotency-replayed": "true" } : {}),
    },
  };
}

/**
 * Refuses a plain request that would most likely still stand in line when its client is told that it took too long: it
 * would take a place in line, and end with nothing (SPEC OAI15). Throws `queue_full` with the time after which it may do.
 */
async function refuseVain(
  { engine, limits }: ServerContext,
  { type, request, priority }: Wanted,
  key: string,
): Promise<void> {
  const queue = engine.roles.queueOf(request.target.endpoint);
  const seconds = await engine.reader.startOfNew(queue, { priority, key, type });
  const lateMs = (seconds ?? 0) * 1_000 - limits.replyWaitMs;
  if (lateMs <= 0) return;
  const [start, wait] = [Math.ceil(seconds ?? 0), Math.round(limits.replyWaitMs / 1_000)];
  throw new ErrandError(
    "queue_full",
    `the model would most likely begin with this in ${start} s, and a plain request is waited for at most ${wait} s: stream it, use /v1/responses with background, send an Idempotency-Key and ask again, or come back later`,
    { retryAfterMs: Math.min(waitMsMax, Math.max(1_000, Math.ceil(lateMs))) },
  );
}

/** Headers that say which task it is and where it stands. */
export function headersOf(taskId: string, { position, etaMs }: Place): Record<string, string> {
  return {
    "x-errand-task": taskId,
    ...(position === null ? {} : { "x-errand-position": String(position) }),
    ...(etaMs === null ? {} : { "x-errand-eta-ms": String(etaMs) }),
  };
}

/** A place as the headers say it: `etaMs` is the time at which it is as likely as not to have ended. */
export function shownPlace(place: PlaceInLine | null): Place {
  return {
    position: place?.position ?? null,
    etaMs: place?.estimate?.end.p50Ms ?? null,
  };
}

const nowhere: Place = { position: null, etaMs: null };

/** Bands that go before a priority's own, and its own. */
const bandsBefore: Readonly<Record<Priority, number>> = { interactive: 1, background: 2, batch: 3 };

/**
 * Where a task stands that was just accepted. Who runs by now stands nowhere. One that has not asked its model yet is
 * behind those of its band and the ones above that wait now, at most, when the endpoint is busy.
 */
async function placeOf(
  { engine }: ServerContext,
  taskId: string,
  { type, request, priority }: Wanted,
): Promise<Place> {
  const { reader } = engine;
  const exact = await reader.place(taskId);
  if (exact !== null) return shownPlace(exact);
  // Embeddings run before they ask their model; the others ask as they start.
  const { status } = await reader.view(taskId, null);
  if (isEnd(status) || (status === "running" && type !== "embedding")) return nowhere;
  const queue = await reader.queue(engine.roles.queueOf(request.target.endpoint));
  const isFree = queue.pending === 0 && queue.running < queue.slots && !queue.paused;
  if (isFree) return nowhere;
  const before = queue.perBand.slice(0, bandsBefore[priority]).reduce((sum, n) => sum + n, 0);
  return { position: before + 1, etaMs: null };
}

/** Whether a task ends when the client that asked for it leaves. Throws `invalid_request` for another word. */
export function cancelsOnLeave(request: Request): boolean {
  const said = request.headers.get("x-errand-on-disconnect");
  if (said === "cancel" || said === "continue") return said === "cancel";
  if (said === null) return !request.headers.has("idempotency-key");
  throw new ErrandError("invalid_request", "X-Errand-On-Disconnect must be cancel or continue");
}

/** Cancels what nobody waits for any more. A task that ended meanwhile is left as it is. */
export function abandon({ engine, log }: ServerContext, taskId: string): void {
  engine.cancel(taskId, "the client left").catch((error: unknown) => {
    if (error instanceof ErrandError && error.code === "conflict") return;
    log.error("a task whose client left could not be cancelled", error, { task: taskId });
  });
}

/**
 * Waits for the end of a task as an answer, but not for ever: clients give up after 300 s without headers. Throws
 * `unavailable` with the task when it takes longer, and `client_closed` when the client leaves; what becomes of the task
 * then is {@link cancelsOnLeave}'s to say.
 */
export async function awaitEnd(
  server: ServerContext,
  { request }: AnyCall,
  taskId: string,
): Promise<TaskEnd> {
  const cancels = cancelsOnLeave(request);
  const late = Promise.withResolvers<"late" | "left">();
  const left = (): void => late.resolve("left");
  request.signal.addEventListener("abort", left);
  if (request.signal.aborted) left();
  const timer = setTimeout(() => late.resolve("late"), server.limits.replyWaitMs);
  const end = await Promise.race([server.engine.ended(taskId), late.promise]).finally(() => {
    clearTimeout(timer);
    request.signal.removeEventListener("abort", left);
  });
  if (end !== "late" && end !== "left") return end;
  if (cancels) abandon(server, taskId);
  if (end === "left") throw new ErrandError("client_closed");
  const seconds = Math.round(server.limits.replyWaitMs / 1_000);
  const error = new ErrandError(
    "unavailable",
    cancels
      ? `there is no answer after ${seconds} s, and the task was cancelled: stream it, use /v1/responses with background, or send an Idempotency-Key and ask again`
      : `there is no answer after ${seconds} s; the task goes on: ask again with the same Idempotency-Key, or follow it`,
    { retryAfterMs: 1_000 },
  );
  // Without a key a repeat would be another task at the end of the line.
  throw new AnswerError(taskId, error, request.headers.has("idempotency-key"));
}

/** A task that did not end well, as the error of its answer. */
export function endError(taskId: string, { status, error }: TaskEnd): AnswerError {
  const { code, message, retryAfterMs } = error ?? {
    code: "internal" as const,
    message: `the task is ${status}`,
    retryAfterMs: undefined,
  };
  return new AnswerError(taskId, new ErrandError(code, message, { retryAfterMs }));
}
