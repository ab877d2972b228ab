import { isDay } from "../core/day.ts";
import { ErrandError } from "../core/errors.ts";
import { isRecord } from "../core/json.ts";
import { todoCharsMax } from "../core/limits.ts";
import { sessionScope } from "../core/scope.ts";
import type { Todo, TodoAct, TodoCommand, TodoSource } from "../core/session/todos.ts";
import type { Engine } from "./engine.ts";

/** The session that holds a person's own todos: what is said in any chat goes on this list, unless another is named. */
export const plannerChatId = "planner";

/** A todo to make. */
export interface TodoDraft {
  readonly text: string;
  readonly dueDay?: string | null;
  readonly source?: TodoSource | null;
}

/** Where a wish for todos comes from. Sent again under one of these names it changes nothing. */
export interface TodoOrigin {
  /** Default: the planner. */
  readonly sessionId?: string;
  /** Id of the wish's envelope; made here if it has none. */
  readonly eventId?: string;
  /** The client's name for the wish; another wish under that name is `idempotency_mismatch`. */
  readonly actionId?: string;
  readonly requestId?: string;
  /** The task that wishes it. */
  readonly operationId?: string;
}

/** What a wish came to. */
export interface TodoDone {
  /** The todos it was about, as they are now; without those that are gone. */
  readonly todos: readonly Todo[];
  readonly todoIds: readonly string[];
  readonly eventId: string;
  /** True if the wish was known: it changed nothing this time. */
  readonly replayed: boolean;
}

/** Todos of people (SPEC TODO1). Each method that changes something resolves when the change is durable. */
export class Todos {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Adds todos to the end of the list. Errors: `invalid_request`, `limit_exceeded`, `idempotency_mismatch`. */
  async add(
    userId: string,
    drafts: readonly TodoDraft[],
    origin: TodoOrigin & { readonly proposed?: true } = {},
  ): Promise<TodoDone> {
    const { operationId = null, proposed, actionId } = origin;
    // Under a known name the ids must be the same ones when the wish is sent again.
    const todos = drafts.map(({ text, dueDay = null, source = null }) => ({
      id: this.#engine.kernel.id("todo"),
      text: checked(text),
      dueDay: dueDay === null ? null : checkedDay(dueDay),
      source,
      operationId,
    }));
    const wish = todos.map(({ text, dueDay }) => ({ text, dueDay }));
    const ref = todos.map(({ id }) => id).join(" ");
    const act: TodoAct = {
      do: "add",
      todos,
      ...(proposed === undefined ? {} : { proposed }),
    };
    return await this.#act(userId, act, origin, actionId === undefined ? null : { wish, ref });
  }

  /** Changes, completes, opens, accepts, removes, takes back or arranges. Errors as {@link add}, and `not_found`. */
  async act(
    userId: string,
    act: Exclude<TodoAct, { do: "add" }>,
    origin: TodoOrigin = {},
  ): Promise<TodoDone> {
    if (act.do === "change" && act.text !== undefined) checked(act.text);
    if (act.do === "change" && typeof act.dueDay === "string") checkedDay(act.dueDay);
    const keyed =
      origin.actionId === undefined ? null : { wish: act, ref: "todoId" in act ? act.todoId : "" };
    return await this.#act(userId, act, origin, keyed);
  }

  /** All todos of a session in their order, and the number of the session's last fact. */
  async list(
    userId: string,
    sessionId: string = plannerChatId,
  ): Promise<{ readonly todos: readonly Todo[]; readonly seq: number }> {
    return await this.#engine.reader.todos(userId, sessionId);
  }

  async #act(
    userId: string,
    act: TodoAct,
    origin: TodoOrigin,
    keyed: { readonly wish: unknown; readonly ref: string } | null,
  ): Promise<TodoDone> {
    const { sessionId = plannerChatId, actionId, requestId } = origin;
    const { kernel } = this.#engine;
    const eventId = origin.eventId ?? kernel.id("evt");
    const named = actionId === undefined ? {} : { actionId };
    const command: TodoCommand = { type: "todo", eventId, ...named, act };
    const body = keyed === null ? null : { todos: sessionId, wish: keyed.wish };
    const key =
      actionId === undefined || keyed === null
        ? {}
        : { key: await this.#engine.keyFor(userId, actionId, body, keyed.ref) };
    const { reply, replayed } = await kernel.dispatch(sessionScope(userId, sessionId), command, {
      meta: { ...named, ...(requestId === undefined ? {} : { requestId }) },
      ...key,
    });
    if (!reply.ok) {
      const { code, message, retryAfterMs } = reply.error;
      throw new ErrandError(code, message, { retryAfterMs });
    }
    const answer = isRecord(reply.value) ? reply.value : {};
    const ids = replayed ? String(answer["ref"]).split(" ") : textsOf(answer["todoIds"]);
    const { todos } = await this.list(userId, sessionId);
    return {
      todos: todos.filter(({ id }) => ids.includes(id)),
      todoIds: ids,
      eventId,
      replayed: replayed || answer["repeated"] === true,
    };
  }
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function checked(text: string): string {
  if (text.trim() !== "" && text.length <= todoCharsMax) return text;
  const message = `must be 1..${todoCharsMax} characters that are not all blank`;
  throw new ErrandError("invalid_request", `text ${message}`, {
    fields: [{ field: "text", message }],
  });
}

function checkedDay(day: string): string {
  if (isDay(day)) return day;
  const message = `must be a day that exists, as 2026-11-30, got "${day.slice(0, 40)}"`;
  throw new ErrandError("invalid_request", `dueDay ${message}`, {
    fields: [{ field: "dueDay", message }],
  });
}
