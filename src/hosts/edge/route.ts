import { isChatId, isTaskId, isUserId } from "../../core/ids.ts";
import { isRecord } from "../../core/json.ts";
import { sessionScope, userScope, type Scope } from "../../core/scope.ts";
import { chatIdOfKey } from "../../server/index.ts";

/** Where a request is answered: in a home, or in that of a task, which the user's home knows. */
export type Destination = { readonly home: Scope } | { readonly taskId: string };

/** Requests whose body says where they belong. */
const bodySays: ReadonlySet<string> = new Set([
  "/api/chat",
  "/api/chat/stream",
  "/api/sessions/import",
  "/api/tasks",
]);

/** True if the body has to be read to know where the request is answered. */
export function needsBody(method: string, path: string): boolean {
  return method === "POST" && bodySays.has(path);
}

/**
 * Where a request of a user is answered: what is of a session in its object, what is of a task where the task lives, and
 * everything else with the user, queues included, whose objects are asked from there.
 */
export function destinationOf(path: string, userId: string): Destination {
  const [, first = "", second = "", third = "", fourth = ""] = path.split("/");
  if (isTaskId(first)) return { taskId: first };
  if (first === "api") {
    if (second === "tasks" && isTaskId(third)) return { taskId: third };
    if (second === "tasks" && third === "user" && isUserId(fourth))
      return { home: userScope(fourth) };
    if (second === "sessions" && isChatId(third)) return { home: sessionScope(userId, third) };
    if (second === "chat" && third !== "stream" && isChatId(third))
      return { home: sessionScope(userId, third) };
  }
  return { home: userScope(userId) };
}

/** A request whose body was read, and where it is answered. */
export interface RoutedBody {
  readonly home: Scope;
  /** The body to send on: a chat that has no session yet is given one. */
  readonly text: string;
}

/**
 * Where a request with a body is answered. A chat message without a session begins one, whose id comes from the
 * idempotency key if there is one, so that the same message sent again comes to the same object. What cannot be read is
 * refused in the user's home, where everything is checked.
 */
export async function routeBody(
  path: string,
  userId: string,
  { text, idempotencyKey }: { readonly text: string; readonly idempotencyKey: string | null },
): Promise<RoutedBody> {
  const home = userScope(userId);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { home, text };
  }
  if (!isRecord(body)) return { home, text };
  const field = Object.hasOwn(body, "messages") ? "id" : "sessionId";
  const named = body[field];
  if (typeof named === "string" && isChatId(named))
    return { home: sessionScope(userId, named), text };
  if (!path.startsWith("/api/chat") || field === "id" || named !== undefined) return { home, text };
  const action = body["client_action_id"];
  const key = idempotencyKey ?? (typeof action === "string" ? action : null);
  const chatId = key === null ? newChatId() : await chatIdOfKey(userId, key);
  return {
    home: sessionScope(userId, chatId),
    text: JSON.stringify({ ...body, sessionId: chatId }),
  };
}

function newChatId(): string {
  return `chat_${crypto.randomUUID().replaceAll("-", "")}`;
}
