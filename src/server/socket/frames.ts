import { z } from "@hono/zod-openapi";

import type { ErrorData } from "../../core/errors.ts";
import { isTaskId } from "../../core/ids.ts";
import { formatCursor, type Cursor } from "../../core/stream/cursor.ts";
import { cursorField } from "../input/fields.ts";
import { parse } from "../input/parse.ts";
import type { Told } from "../stream/told.ts";
import { ErrandError } from "../../core/errors.ts";

/** The channel of everything of a user. */
export const userChannel = "tasks";

/** The channel of one task's feed. */
export function taskChannel(taskId: string): string {
  return `task/${taskId}`;
}

/** The task that a channel is about; null for the user's own channel. */
export function taskOf(channel: string): string | null {
  return channel === userChannel ? null : channel.slice("task/".length);
}

const channelField = z
  .string()
  .refine(
    (name) => name === userChannel || (name.startsWith("task/") && isTaskId(name.slice(5))),
    'must be "tasks", or "task/" and a task id',
  );

/** What a client may say. */
export type ClientFrame =
  | { readonly t: "auth"; readonly key: string }
  | { readonly t: "sub"; readonly channel: string; readonly after?: Cursor | null | undefined }
  | { readonly t: "unsub"; readonly channel: string }
  | { readonly t: "ping" };

/** The schema of what a client may say, also shown in `/asyncapi.json`. */
export const clientFrame: z.ZodType<ClientFrame> = z.discriminatedUnion(
  "t",
  [
    z.strictObject({ t: z.literal("auth"), key: z.string().max(1_000) }),
    z.strictObject({
      t: z.literal("sub"),
      channel: channelField,
      after: cursorField.nullable().optional(),
    }),
    z.strictObject({ t: z.literal("unsub"), channel: channelField }),
    z.strictObject({ t: z.literal("ping") }),
  ],
  { error: 'must be "auth", "sub", "unsub" or "ping"' },
);

/** Reads what a client said. Throws `invalid_request` that names what is wrong. */
export function readFrame(text: string): ClientFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ErrandError("invalid_request", "the frame is not JSON");
  }
  return parse(clientFrame, value, "the frame");
}

/** One thing that happened on a channel. `cursor`: to come back behind it; null where there is none. */
export function eventFrame(channel: string, { name, data }: Told, cursor: Cursor | null): string {
  const seq = cursor === null ? "null" : `"${formatCursor(cursor)}"`;
  // A channel's name holds nothing that JSON would escape, and `data` is JSON.
  return `{"t":"ev","channel":"${channel}","seq":${seq},"event":{"type":"${name}","data":${data}}}`;
}

/** Something of a channel may have been missed: it goes on with the present states, or has to be asked for again. */
export function gapFrame(channel: string, message: string): string {
  return JSON.stringify({ t: "gap", channel, message });
}

/** Nothing more comes on a channel: its task has ended. */
export function endFrame(channel: string): string {
  return JSON.stringify({ t: "end", channel });
}

/** What was asked for is refused. `channel` is null for what names none. */
export function errorFrame(channel: string | null, { code, message, fields }: ErrorData): string {
  return JSON.stringify({
    t: "err",
    channel,
    code,
    message,
    ...(fields === undefined ? {} : { errors: fields }),
  });
}

/** Answer to a ping in a message, for clients that cannot see those of the protocol. */
export const pongFrame = '{"t":"pong"}';
