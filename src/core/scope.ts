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

/** What decides where a task lives. */
export interface Lineage {
  readonly taskId: string;
  readonly rootId: string;
  readonly userId: string;
  readonly sessionId: string | null;
}

/**
 * Where a task's log and streams live: with its session, else with its root task, else (a root task) with its
 * user. Messages between scopes of one home are settled in the group that sends them (SPEC KERNEL7).
 */
export function taskHome(task: Lineage): Scope {
  if (task.sessionId !== null) return sessionScope(task.userId, task.sessionId);
  if (task.rootId !== task.taskId) return taskScope(task.rootId);
  return userScope(task.userId);
}
