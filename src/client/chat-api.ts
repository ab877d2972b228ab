import { decodeSent, decodeSessionPage, decodeSnapshot } from "./decode.ts";
import { readJson } from "./http.ts";
import type { Http } from "./http.ts";
import { fieldsOf } from "./shape.ts";
import type { SentMessage, SessionPage, SessionSnapshot } from "./wire.ts";

/** A chat message to send. */
export interface NewMessage {
  readonly message: string;
  /** Chosen by the client; absent starts a session that the server names. */
  readonly sessionId?: string;
  /** What happens if the session is answering: wait (default), stop that answer, or refuse with `session_busy`. */
  readonly onBusy?: "queue" | "interrupt" | "reject";
  /** Names this wish: sending it again with the same id sends nothing twice. */
  readonly client_action_id?: string;
}

/** Sessions and their messages. Every call throws `RequestFailed`. */
export interface ChatApi {
  /** Sends a message; durable when it answers, which it does before the model begins. */
  send(message: NewMessage, signal?: AbortSignal): Promise<SentMessage>;
  /** Stops the answer that is being given, if any, and keeps its text so far. */
  stop(sessionId: string): Promise<{ readonly stopped: string | null }>;
  sessions(cursor?: string, signal?: AbortSignal): Promise<SessionPage>;
  /** The whole session; null if it still has `etag`. */
  session(
    sessionId: string,
    options?: { readonly etag?: string | null; readonly signal?: AbortSignal },
  ): Promise<SessionSnapshot | null>;
  /** Deletes a session and what belongs to it. */
  remove(sessionId: string): Promise<void>;
}

/** Builds the chat calls on a caller. */
export function createChatApi(http: Http): ChatApi {
  return {
    send: (message, signal) =>
      http.json("/api/chat/stream", decodeSent, { method: "POST", body: message, signal }),
    stop: (sessionId) =>
      http.json(
        `/api/chat/${encodeURIComponent(sessionId)}/stop`,
        (value) => ({ stopped: fieldsOf(value, "answer").textOrNull("stopped") }),
        { method: "POST" },
      ),
    sessions: (cursor, signal) =>
      http.json("/api/sessions", decodeSessionPage, { query: { cursor }, signal }),
    async session(sessionId, { etag, signal } = {}) {
      const headers = etag === undefined || etag === null ? {} : { "If-None-Match": etag };
      const response = await http.send(pathOf(sessionId), { headers, signal });
      if (response.status === 304) return null;
      return readJson(response, (value) => decodeSnapshot(value, response.headers.get("ETag")));
    },
    async remove(sessionId) {
      await http.send(pathOf(sessionId), { method: "DELETE" });
    },
  };
}

function pathOf(sessionId: string): string {
  return `/api/sessions/${encodeURIComponent(sessionId)}`;
}
