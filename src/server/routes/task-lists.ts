import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import { isEnd } from "../../core/task/status.ts";
import type { Reader, TaskView } from "../../engine/index.ts";
import {
  limitField,
  nameField,
  sessionIdField,
  taskIdField,
  timeField,
  userIdField,
} from "../input/fields.ts";
import { operation, type Operation } from "../operation.ts";
import { taskPageShape } from "../wire/schemas.ts";
import { taskJson } from "../wire/task.ts";

/** Characters of JSON after which a page ends early: a page of the largest tasks would not fit in anybody's memory. */
const pageCharsMax = 4_000_000;
/** Tasks read at once. */
const readAtOnce = 20;
const limitDefault = 50;
/** Stretches of sparse tasks that one request walks; the next page goes on. */
const stretchesMax = 10;

const listQuery = z.strictObject({
  status: z
    .enum(["active", "completed", "failed"])
    .optional()
    .openapi({ description: "`failed` holds cancelled and expired tasks too" }),
  type: nameField.optional(),
  session: sessionIdField.optional(),
  from: timeField("Created at or after").optional(),
  to: timeField("Created before").optional(),
  cursor: taskIdField.optional().openapi({ description: "`nextCursor` of the page before" }),
  limit: limitField.optional(),
});

type ListQuery = z.output<typeof listQuery>;

/** Lists of tasks: one's own, and a named user's. */
export function taskLists(): readonly Operation[] {
  const shared = {
    method: "get",
    policy: "user",
    tag: "tasks",
    query: listQuery,
    answers: {
      200: {
        description:
          "A page, newest first; it may be shorter than `limit`, even empty, as long as there is a `nextCursor`",
        schema: taskPageShape,
      },
    },
  } as const;
  return [
    operation({
      ...shared,
      path: "/api/tasks",
      id: "listTasks",
      summary: "List your tasks",
      handle: ({ who, query }, { engine }) => listPage(engine.reader, who.userId, query),
    }),
    operation({
      ...shared,
      path: "/api/tasks/user/{userId}",
      id: "listUserTasks",
      summary: "List a user's tasks",
      description: "Yours, or anybody's for the admin. Another user's are not found.",
      params: z.strictObject({ userId: userIdField }),
      handle: ({ who, params, query }, { engine }) => {
        if (params.userId !== who.userId && !who.isAdmin)
          throw new ErrandError("not_found", `there is no user ${params.userId}`);
        return listPage(engine.reader, params.userId, query);
      },
    }),
  ];
}

async function listPage(reader: Reader, userId: string, query: ListQuery): Promise<Response> {
  const limit = query.limit ?? limitDefault;
  const tasks: string[] = [];
  let chars = 0;
  let last: string | null = query.cursor ?? null;
  let isMore = true;
  let stretches = 0;
  while (isMore && tasks.length < limit && chars < pageCharsMax && stretches < stretchesMax) {
    const asked = Math.min(readAtOnce, limit - tasks.length);
    // Few at a time, and no more once the page is large.
    // oxlint-disable-next-line no-await-in-loop
    const page = await reader.tasks({
      userId,
      limit: asked,
      ...filterOf(query),
      ...(last === null ? {} : { before: last }),
    });
    isMore = page.next !== null;
    if (page.next !== null) last = page.next;
    if (page.tasks.length < asked) stretches += 1;
    for (const task of page.tasks) {
      // oxlint-disable-next-line no-await-in-loop
      const text = JSON.stringify(await shownTask(reader, task));
      tasks.push(text);
      chars += text.length;
    }
  }
  const nextCursor = isMore ? last : null;
  return new Response(`{"tasks":[${tasks.join(",")}],"nextCursor":${JSON.stringify(nextCursor)}}`, {
    headers: { "content-type": "application/json" },
  });
}

/** What an open task has said so far is a read of its own; the text of ended ones is in their output. */
async function shownTask(reader: Reader, task: TaskView): Promise<unknown> {
  if (isEnd(task.status) || task.attempts === 0) return taskJson(task, { cursor: null });
  const { view, cursor } = await reader.task(task.id, task.userId);
  return taskJson(view, { cursor });
}

function filterOf({
  status,
  type,
  session,
  from,
  to,
}: ListQuery): Partial<Parameters<Reader["tasks"]>[0]> {
  return {
    ...(status === undefined ? {} : { statusClass: status }),
    ...(type === undefined ? {} : { types: [type] }),
    ...(session === undefined ? {} : { sessionId: session }),
    ...(from === undefined ? {} : { createdFromMs: from }),
    ...(to === undefined ? {} : { createdToMs: to }),
  };
}
