import { asSession } from "./erased-types.ts";
import { ErrandError } from "../core/errors.ts";
import { isChatId } from "../core/ids.ts";
import { messageCharsMax } from "../core/limits.ts";
import { sessionScope, userScope } from "../core/scope.ts";
import type { OnBusy, SessionCommand } from "../core/session/decider.ts";
import type { MessagePart, SessionState } from "../core/session/state.ts";
import type { UserCommand } from "../core/user/decider.ts";
import type { Engine } from "./engine.ts";
import type { Meta } from "./kernel/frame.ts";
import type { SubmitOptions } from "./settings.ts";

/** A chat message on its way into a session. */
export interface Say {
  readonly userId: string;
  readonly chatId: string;
  readonly text: string;
  readonly parts?: readonly MessagePart[];
  /** Id of the user's message, if the client chose one: the same id again is the same message. */
  readonly userMessageId?: string;
  readonly onBusy?: OnBusy;
  readonly actionId?: string;
  readonly requestId?: string;
  readonly idempotencyKey?: string;
  readonly traceparent?: string;
}

/** What a message started. */
export interface Said {
  readonly taskId: string;
  readonly messageId: string;
  readonly userMessageId: string;
  readonly sessionId: string;
  readonly replayed: boolean;
}

/** Sessions and lanes: the commands of people. */
export class Sessions {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** A new chat id. */
  newChatId(): string {
    return this.#engine.kernel.id("chat");
  }

  /**
   * Adds a user's message and its turn. Durable when it resolves: the answer comes, whoever is listening.
   * Errors: `invalid_request`, `session_busy` (onBusy reject), `queue_full`, `idempotency_mismatch`.
   */
  async say(say: Say): Promise<Said> {
    checkSay(say);
    const { kernel, types } = this.#engine;
    const taskId = kernel.id("task");
    const messageId = kernel.id("msg");
    const userMessageId = say.userMessageId ?? kernel.id("msg");
    const options: SubmitOptions = {
      userId: say.userId,
      sessionId: say.chatId,
      priority: "interactive",
      ...(say.traceparent === undefined ? {} : { traceparent: say.traceparent }),
    };
    const spec = {
      ...types.spec(types.get("chat"), taskId, { text: say.text }, options),
      messageId,
    };
    const key = say.idempotencyKey ?? say.actionId;
    const command: SessionCommand = {
      type: "say",
      userMessageId,
      messageId,
      taskId,
      parts: say.parts ?? [{ type: "text", text: say.text }],
      onBusy: say.onBusy ?? "queue",
      spec,
      ...(key === undefined ? {} : { actionId: key }),
    };
    const meta: Meta = {
      ...(say.requestId === undefined ? {} : { requestId: say.requestId }),
      ...(say.actionId === undefined ? {} : { actionId: say.actionId }),
      ...(say.traceparent === undefined ? {} : { traceparent: say.traceparent }),
    };
    const body = { chatId: say.chatId, text: say.text };
    const keyed =
      key === undefined
        ? {}
        : {
            key: await this.#engine.keyFor(
              say.userId,
              key,
              body,
              `${taskId} ${messageId} ${userMessageId}`,
            ),
          };
    const { reply, replayed } = await kernel.dispatch(
      sessionScope(say.userId, say.chatId),
      command,
      { meta, ...keyed },
    );
    if (!reply.ok)
      throw new ErrandError(reply.error.code, reply.error.message, {
        retryAfterMs: reply.error.retryAfterMs,
      });
    if (replayed) return { ...fromRef(reply.value), sessionId: say.chatId, replayed };
    return { ...saidOf(reply.value, { taskId, messageId, userMessageId }), sessionId: say.chatId };
  }

  /** Cancels a session's active turn, or the named one. Answers its task, or null if nothing was active. */
  async stop(userId: string, chatId: string, taskId?: string): Promise<string | null> {
    const command: SessionCommand = { type: "stop", ...(taskId === undefined ? {} : { taskId }) };
    const reply = await this.#engine.kernel.ask(sessionScope(userId, chatId), command);
    return typeof reply === "object" &&
      reply !== null &&
      "stopped" in reply &&
      typeof reply.stopped === "string"
      ? reply.stopped
      : null;
  }

  async retryTurn(userId: string, chatId: string, taskId: string): Promise<void> {
    const command: SessionCommand = { type: "retryTurn", taskId };
    await this.#engine.kernel.ask(sessionScope(userId, chatId), command);
  }

  /** Removes a session's messages and cancels its turns. */
  async delete(userId: string, chatId: string): Promise<void> {
    const command: SessionCommand = { type: "delete" };
    await this.#engine.kernel.ask(sessionScope(userId, chatId), command);
  }

  /** Reads a session; `null` if it never was, or was deleted. The state must not be kept or changed. */
  async read<T>(
    userId: string,
    chatId: string,
    look: (state: SessionState, seq: number) => T,
  ): Promise<T | null> {
    return await this.#engine.kernel.read(sessionScope(userId, chatId), (state, seq) => {
      const session = asSession(state);
      return seq === 0 || session.deleted ? null : look(session, seq);
    });
  }

  /** Gives a user's lanes a command. */
  async lane(userId: string, command: UserCommand): Promise<unknown> {
    return await this.#engine.kernel.ask(userScope(userId), command);
  }
}

function checkSay(say: Say): void {
  if (!isChatId(say.chatId)) {
    throw new ErrandError(
      "invalid_request",
      `a chat id is 1..128 of letters, digits, "_" and "-" and not "stream", got "${say.chatId.slice(0, 140)}"`,
      {
        fields: [{ field: "sessionId", message: "is not a chat id" }],
      },
    );
  }
  if (say.text.trim() === "") {
    throw new ErrandError("invalid_request", "message must not be empty", {
      fields: [{ field: "message", message: "must not be empty" }],
    });
  }
  if (say.text.length > messageCharsMax) {
    throw new ErrandError(
      "too_large",
      `message has ${say.text.length} characters, the most is ${messageCharsMax}`,
    );
  }
}

function fromRef(value: unknown): { taskId: string; messageId: string; userMessageId: string } {
  const ref =
    typeof value === "object" && value !== null && "ref" in value ? String(value.ref) : "";
  const [taskId = "", messageId = "", userMessageId = ""] = ref.split(" ");
  return { taskId, messageId, userMessageId };
}

function saidOf(
  value: unknown,
  made: { taskId: string; messageId: string; userMessageId: string },
): { taskId: string; messageId: string; userMessageId: string; replayed: boolean } {
  if (typeof value !== "object" || value === null || !("repeated" in value))
    return { ...made, replayed: false };
  // What it made then: the ids of this try name nothing.
  const known = (name: keyof typeof made): string => {
    const id: unknown = Reflect.get(value, name);
    return typeof id === "string" ? id : made[name];
  };
  return {
    taskId: known("taskId"),
    messageId: known("messageId"),
    userMessageId: known("userMessageId"),
    replayed: true,
  };
}
