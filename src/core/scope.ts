import { invariant } from "./invariant.ts";

/** What has one writer and one log: `task/<id>`, `session/<user>/<chat>`, `queue/<name>` or `user/<id>`. */
export type Scope = `task/${string}` | `session/${string}` | `queue/${string}` | `user/${string}`;

/** The kinds of scope. */
export type ScopeKind = "task" | "session" | "queue" | "user";

/** Scope of a task. */
export function taskScope(taskId: string): Scope {
  return `task/${taskId}`;
}

/** Scope of a session. A client chooses chat ids, so the user is part of the name: two users never share a session. */
export function sessionScope(userId: string, chatId: string): Scope {
  return `session/${userId}/${chatId}`;
}

/** Scope of a queue. */
export function queueScope(name: string): Scope {
  return `queue/${name}`;
}

/** Scope of a user. */
export function userScope(userId: string): Scope {
  return `user/${userId}`;
}

/** Kind of a scope, from its name. */
export function scopeKind(scope: Scope): ScopeKind {
  const kind = scope.slice(0, scope.indexOf("/"));
  invariant(
    kind === "task" || kind === "session" || kind === "queue" || kind === "user",
    `bad scope ${scope}`,
  );
  return kind;
}

/** The part of a scope's name behind its kind. */
export function scopeName(scope: Scope): string {
  return scope.slice(scope.indexOf("/") + 1);
}

/** What decides where a task lives. A child has the user and the session of its root. */
export interface Lineage {
  readonly userId: string;
  readonly sessionId?: string | null | undefined;
}

/**
 * Where a task's log and streams live: with its session, else with its user. So a task and all its children live in one
 * home, and messages between them are settled in the group that sends them (SPEC SCOPE2, KERNEL7).
 */
export function taskHome({ userId, sessionId }: Lineage): Scope {
  return sessionId === null || sessionId === undefined
    ? userScope(userId)
    : sessionScope(userId, sessionId);
}
