import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import { isEnd } from "../../core/task/status.ts";
import type { PromptMessage } from "../../ports/models.ts";
import { json } from "../answer.ts";
import type { ServerContext } from "../context.ts";
import type { Identity } from "../guard/identify.ts";
import { whole } from "../input/fields.ts";
import { operation, type Call, type Operation } from "../operation.ts";
import { idempotencyHeader, ownerOf } from "../routes/task-routes.ts";
import { waitsInLine } from "../stream/position-watch.ts";
import { openAnswerStream } from "./answer-stream.ts";
import { answerErrors } from "./chat-routes.ts";
import { OpenAiRefusal } from "./errors.ts";
import { invalidValue } from "./request-fields.ts";
import { ResponseEvents } from "./response-events.ts";
import { inputItems, listedInput, promptOf, tailOfItem, type Item } from "./response-items.ts";
import {
  outputOf,
  responseJson,
  responseOf,
  tailOf,
  taskOfResponse,
  type ResponseTask,
} from "./response-object.ts";
import {
  askedOf,
  responseBody,
  responseCall,
  responsePriority,
  type ResponseBody,
} from "./response-request.ts";
import { deletedShape, itemListShape, responseShape } from "./shapes.ts";
import {
  awaitEnd,
  cancelsOnLeave,
  endError,
  headersOf,
  leaveHeader,
  placeHeaders,
  shownPlace,
  submitWanted,
} from "./submission.ts";

const responseParams = z.strictObject({ responseId: z.string() });

/** Most numbers a stream can have. */
const numberMax = Number.MAX_SAFE_INTEGER;

const flag = z.enum(["true", "false"]).optional();

/** `/v1/responses`: runs that outlive their connection. */
export function responseRoutes(): readonly Operation[] {
  return [createRoute(), readRoute(), cancelRoute(), deleteRoute(), inputRoute()];
}

function createRoute(): Operation {
  return operation({
    method: "post",
    path: "/v1/responses",
    policy: "user",
    id: "createResponse",
    tag: "openai",
    summary: "Ask a model, as OpenAI's Responses",
    description:
      "With `background` it answers at once, when the task is on disk: read it, or stream it from any number on, as long as it is kept.",
    submits: true,
    headers: [idempotencyHeader, leaveHeader],
    body: { schema: responseBody, required: true },
    answers: {
      200: {
        description: "The response",
        schema: responseShape,
        also: { mediaType: "text/event-stream", schema: z.string() },
        headers: placeHeaders,
      },
    },
    errors: answerErrors,
    handle: (call, server) => create(server, call),
  });
}

async function create(
  server: ServerContext,
  call: Call<undefined, undefined, ResponseBody>,
): Promise<Response> {
  const { body, who, request } = call;
  const isBackground = body.background === true;
  if (isBackground && body.store === false)
    throw invalidValue("store", "a background response is always stored");
  const cancels = cancelsOnLeave(request);
  const items = await inputItems(body.input ?? [], (id) => findItem(server, who, id));
  const earlier = await earlierMessages(server, who, body.previous_response_id ?? null);
  const { taskId, headers, replayed } = await submitWanted(server, call, {
    type: "response",
    request: {
      call: responseCall(body, earlier, items),
      target: await server.catalogue.find(body.model),
      asked: { ...askedOf(body, items) },
    },
    priority: responsePriority(body),
    awaited: body.stream !== true && !isBackground,
    user: body.user ?? null,
    safety_identifier: body.safety_identifier ?? null,
  });
  if (body.stream === true) {
    const cancelsOnLeaving = cancels && !isBackground;
    const writer = new ResponseEvents(-1);
    return openAnswerStream(server, call, {
      taskId,
      writer,
      headers,
      cancelsOnLeave: cancelsOnLeaving,
    });
  }
  if (!isBackground) {
    const end = await awaitEnd(server, call, taskId);
    if (end.status !== "completed") throw endError(taskId, end);
  }
  const task = responseOf(await server.engine.reader.view(taskId, ownerOf(who)));
  if (task === null) throw new ErrandError("internal", "a response is not read as one");
  // As its first event says: what has become of it meanwhile is for who asks again.
  const isNew = isBackground && !replayed;
  return json(isNew ? responseJson(task, "queued", []) : responseJson(task), 200, headers);
}

/** What was said before, with its answers. Its instructions do not carry over. */
async function earlierMessages(
  server: ServerContext,
  who: Identity,
  id: string | null,
): Promise<readonly PromptMessage[]> {
  if (id === null) return [];
  const found = await findResponse(server, who, id);
  if (found === null)
    throw new OpenAiRefusal(
      "invalid_request",
      `there is no response "${id}", or it is not yours`,
      "previous_response_not_found",
      "previous_response_id",
    );
  const { view, request, asked } = found;
  if (view.status !== "completed")
    throw invalidValue("previous_response_id", `response ${id} is not completed`);
  const { messages } = request.call;
  const said = (asked.instructions ?? "") === "" ? messages : messages.slice(1);
  return [...said, ...promptOf(outputOf(view, "completed"))];
}

async function findItem(server: ServerContext, who: Identity, id: string): Promise<Item | null> {
  const tail = tailOfItem(id);
  const found = tail === null ? null : await findResponse(server, who, `resp_${tail}`);
  if (tail === null || found === null) return null;
  const { view, asked } = found;
  const items = [...outputOf(view, "completed"), ...listedInput(tail, asked.items)];
  return items.find((item) => item["id"] === id) ?? null;
}

/** A response that is there and `who`'s; `null`: there is none. One that was not to be stored is not shown again. */
async function findResponse(
  server: ServerContext,
  who: Identity,
  id: string,
): Promise<ResponseTask | null> {
  const taskId = taskOfResponse(id);
  if (taskId === null) return null;
  try {
    const { view } = await server.engine.reader.task(taskId, ownerOf(who));
    const task = responseOf(view);
    return task?.asked.store === true ? task : null;
  } catch (error) {
    if (error instanceof ErrandError && error.code === "not_found") return null;
    throw error;
  }
}

/** As {@link findResponse}, of the response that the path names. Throws `not_found`. */
async function ownResponse(
  server: ServerContext,
  who: Identity,
  id: string,
): Promise<ResponseTask> {
  const found = await findResponse(server, who, id);
  if (found !== null) return found;
  throw new OpenAiRefusal(
    "not_found",
    `there is no response "${id.slice(0, 100)}", or it is not yours`,
    "response_not_found",
    "response_id",
  );
}

async function answerWith(server: ServerContext, task: ResponseTask): Promise<Response> {
  const { view } = task;
  const place = waitsInLine(view) ? await server.engine.reader.place(view.id) : null;
  return json(responseJson(task), 200, headersOf(view.id, shownPlace(place)));
}

const wholeResponse = {
  description: "The response",
  schema: responseShape,
  headers: placeHeaders,
} as const;

function readRoute(): Operation {
  return lenient(
    operation({
      method: "get",
      path: "/v1/responses/{responseId}",
      policy: "user",
      id: "getResponse",
      tag: "openai",
      summary: "Read a response, or stream it",
      description:
        "With `stream=true` all of its events, or those behind `starting_after`: numbered from 0 without gaps, the same for every reader.",
      params: responseParams,
      query: z.strictObject({
        stream: flag,
        starting_after: whole(0, numberMax, "Events with higher numbers only").optional(),
        include_obfuscation: flag,
      }),
      answers: {
        200: { ...wholeResponse, also: { mediaType: "text/event-stream", schema: z.string() } },
      },
      errors: ["rate_limited"],
      async handle(call, server) {
        const { params, query, who, request } = call;
        const task = await ownResponse(server, who, params.responseId);
        if (query.stream !== "true") return await answerWith(server, task);
        const headers = headersOf(task.view.id, { position: null, etaMs: null });
        if (request.method === "HEAD") return server.streams.headersOnly(headers);
        return openAnswerStream(server, call, {
          taskId: task.view.id,
          writer: new ResponseEvents(query.starting_after ?? -1),
          headers,
          cancelsOnLeave: false,
        });
      },
    }),
  );
}

function cancelRoute(): Operation {
  return operation({
    method: "post",
    path: "/v1/responses/{responseId}/cancel",
    policy: "user",
    id: "cancelResponse",
    tag: "openai",
    summary: "Cancel a background response",
    description: "One that has ended is answered as it is.",
    params: responseParams,
    answers: { 200: wholeResponse },
    errors: ["invalid_request", "storage_full", "unavailable"],
    async handle({ params, who }, server) {
      const { view, asked } = await ownResponse(server, who, params.responseId);
      if (!asked.background)
        throw new OpenAiRefusal(
          "invalid_request",
          "only a response that was created with background can be cancelled: close the connection of another",
          "invalid_value",
          "response_id",
        );
      if (!isEnd(view.status)) await cancelUnlessEnded(server, view.id);
      return await answerWith(server, await ownResponse(server, who, params.responseId));
    },
  });
}

async function cancelUnlessEnded({ engine }: ServerContext, taskId: string): Promise<void> {
  try {
    await engine.cancel(taskId);
  } catch (error) {
    if (!(error instanceof ErrandError && error.code === "conflict")) throw error;
    // It ended meanwhile, which is as good.
  }
}

function deleteRoute(): Operation {
  return operation({
    method: "delete",
    path: "/v1/responses/{responseId}",
    policy: "user",
    id: "deleteResponse",
    tag: "openai",
    summary: "Delete a response, with its task",
    params: responseParams,
    answers: { 200: { description: "It is gone", schema: deletedShape } },
    errors: ["storage_full", "unavailable"],
    async handle({ params, who }, server) {
      const { view } = await ownResponse(server, who, params.responseId);
      if (!isEnd(view.status)) await cancelUnlessEnded(server, view.id);
      server.engine.remove(view.id);
      return json({ id: params.responseId, object: "response.deleted", deleted: true });
    },
  });
}

function inputRoute(): Operation {
  return lenient(
    operation({
      method: "get",
      path: "/v1/responses/{responseId}/input_items",
      policy: "user",
      id: "listInputItems",
      tag: "openai",
      summary: "What a response was asked",
      params: responseParams,
      query: z.strictObject({
        limit: whole(1, 100, "Items of one page, 20 by default").optional(),
        order: z.enum(["asc", "desc"]).optional(),
        after: z.string().max(100).optional().openapi({ description: "Items behind this id" }),
      }),
      answers: { 200: { description: "The items", schema: itemListShape } },
      async handle({ params, query, who }, server) {
        const { view, asked } = await ownResponse(server, who, params.responseId);
        const listed = listedInput(tailOf(view.id), asked.items);
        const all = query.order === "asc" ? listed : listed.toReversed();
        const from = all.findIndex((item) => item["id"] === query.after) + 1;
        const data = all.slice(from, from + (query.limit ?? 20));
        return json({
          object: "list",
          data,
          first_id: data[0]?.["id"] ?? null,
          last_id: data.at(-1)?.["id"] ?? null,
          has_more: from + data.length < all.length,
        });
      },
    }),
  );
}

/** Clients ask to `include` things that are not there, once or as a list: that is no reason to refuse them. */
function lenient(made: Operation): Operation {
  return {
    ...made,
    run(arrival, server) {
      const url = new URL(arrival.url);
      for (const name of ["include", "include[]"]) url.searchParams.delete(name);
      return made.run({ ...arrival, url }, server);
    },
  };
}
