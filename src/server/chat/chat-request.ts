import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import { isRecord } from "../../core/json.ts";
import type { OnBusy } from "../../core/session/decider.ts";
import type { MessagePart } from "../../core/session/state.ts";
import { actionIdField, sessionIdField } from "../input/fields.ts";
import { parse } from "../input/parse.ts";

/** A person's message, whichever door it came through. */
export interface AskedMessage {
  readonly sessionId: string | undefined;
  readonly text: string;
  readonly parts: readonly MessagePart[];
  /** The page's own id of the message: the same message sent again is the same turn. */
  readonly userMessageId: string | undefined;
  readonly onBusy: OnBusy | undefined;
  readonly actionId: string | undefined;
  /** The page asks for another answer to a message that has one. */
  readonly again: boolean;
}

/** A body of `POST /api/chat`: what was asked, and whether it came from AI SDK's `useChat`. */
export interface ChatBody {
  readonly asked: AskedMessage;
  readonly isUiChat: boolean;
}

const onBusyField = z.enum(["queue", "interrupt", "reject"]).optional();
const messageIdField = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, "must be 1..128 printable ASCII characters without spaces");

/** A plain message. */
export const messageBody: z.ZodType<{
  readonly message: string;
  readonly sessionId?: string | undefined;
  readonly onBusy?: OnBusy | undefined;
  readonly client_action_id?: string | undefined;
}> = z
  .strictObject({
    message: z.string(),
    sessionId: sessionIdField.optional(),
    onBusy: onBusyField,
    client_action_id: actionIdField.optional(),
  })
  .openapi("ChatMessage");

const uiPart = z.object({
  type: z.string(),
  text: z.string().optional(),
  data: z.unknown().optional(),
});

const uiMessage = z.object({
  id: messageIdField.optional(),
  role: z.enum(["system", "user", "assistant"]),
  parts: z.array(uiPart).max(1_000),
});

/** What DefaultChatTransport sends. Fields that a page adds, or a newer SDK, are ignored. */
const uiChatBody = z
  .object({
    id: sessionIdField,
    messages: z.array(uiMessage).min(1).max(10_000),
    trigger: z.enum(["submit-message", "regenerate-message"]).optional(),
    messageId: z.string().nullish(),
    onBusy: onBusyField,
  })
  .openapi("UiChat");

/** Both bodies of `POST /api/chat`. A body with `messages` is read as the chat page's. */
export const chatBody: z.ZodType<Readonly<Record<string, unknown>>> = z.custom<
  Readonly<Record<string, unknown>>
>(isRecord, "must be an object");

/** The two bodies, for the documents. */
export const chatBodyShown: z.ZodType = z.union([uiChatBody, messageBody]);

/** Reads a body of `POST /api/chat`. Throws `invalid_request` that names what is wrong. */
export function readChatBody(body: Readonly<Record<string, unknown>>): ChatBody {
  if (!Object.hasOwn(body, "messages"))
    return { asked: askedMessage(parse(messageBody, body, "the body")), isUiChat: false };
  const { id, messages, trigger, onBusy } = parse(uiChatBody, body, "the body");
  const last = messages.at(-1);
  if (last?.role !== "user") {
    throw new ErrandError("invalid_request", "the last of messages must be the user's", {
      fields: [{ field: "messages", message: "must end with a user message" }],
    });
  }
  const parts = last.parts.flatMap(partOf);
  const asked = {
    sessionId: id,
    text: parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
    parts,
    userMessageId: last.id,
    onBusy,
    actionId: undefined,
    again: trigger === "regenerate-message",
  };
  return { asked, isUiChat: true };
}

/** A plain message as it was asked. */
export function askedMessage(body: z.infer<typeof messageBody>): AskedMessage {
  const { message, sessionId, onBusy, client_action_id: actionId } = body;
  return {
    sessionId,
    text: message,
    parts: [{ type: "text", text: message }],
    userMessageId: undefined,
    onBusy,
    actionId,
    again: false,
  };
}

function partOf(part: z.infer<typeof uiPart>): MessagePart | [] {
  if (part.type === "text") return { type: "text", text: part.text ?? "" };
  if (part.type.startsWith("data-"))
    return {
      type: "data",
      name: part.type.slice("data-".length).slice(0, 100),
      data: part.data ?? null,
    };
  if (part.type === "file") {
    throw new ErrandError("invalid_request", "files in chat messages are not taken yet", {
      fields: [{ field: "messages.parts", message: "files are not taken yet" }],
    });
  }
  // Step marks and parts of newer SDKs say nothing that an answer needs.
  return [];
}
