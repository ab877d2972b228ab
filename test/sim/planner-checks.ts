import type { Scope } from "../../src/core/scope.ts";
import type { SessionState } from "../../src/core/session/state.ts";
import type { Todo, TodoEvent } from "../../src/core/session/todos.ts";
import type { TaskState } from "../../src/core/task/state.ts";
import type { Approval } from "../../src/core/user/approvals.ts";
import type { UserState } from "../../src/core/user/decider.ts";
import type { Shadow } from "./shadow.ts";
import { must } from "./trace.ts";

type Fact = { readonly type: string; readonly [field: string]: unknown };

/**
 * Promises about todos, reminders, questions, summaries and sessions that move, judged by the facts on disk. It shares
 * no code with the deciders it judges.
 */
export class PlannerChecks {
  readonly #shadow: Shadow;
  /** Facts that may come once: a wish's part, a reminder's time, a part of an import. */
  readonly #once = new Set<string>();
  /** Todos that were taken away, and those that were done at any time. */
  readonly removed = new Set<string>();
  readonly #done = new Set<string>();
  /** Todos that each operation made. */
  readonly #made = new Map<string, string[]>();
  /** The operation that a wish takes back, by the wish's id. */
  readonly undoes = new Map<string, string>();
  /** How often each reminder came, and was said. */
  readonly rang = new Map<string, number>();
  readonly #said = new Map<string, number>();

  constructor(shadow: Shadow) {
    this.#shadow = shadow;
  }

  /** Judges a fact before it is folded. */
  before(scope: Scope, fact: Fact, atMs: number): void {
    if (fact.type.startsWith("todo.")) this.#todo(scope, fact as unknown as TodoEvent);
    else if (fact.type === "reminder.rang") this.#rings(scope, fact, atMs);
    else if (fact.type === "message.added") this.#saysReminder(fact);
    else if (fact.type === "session.summarized") this.#summary(scope, fact);
    else if (fact.type === "session.imported")
      this.#first(`${this.#life(scope)} ${String(fact["hash"])} ${String(fact["part"])}`, scope);
  }

  /** Judges what a commit has made of a user or a task: every open question of a task is on its person's list, and no other. */
  after(scope: Scope): void {
    const state = this.#shadow.scopes.get(scope)?.state;
    if (scope.startsWith("user/"))
      for (const asked of (state as UserState).approvals.values()) this.#isAsked(asked);
    if (!scope.startsWith("task/")) return;
    const task = state as TaskState;
    const listed = this.#shadow.user(task.spec?.userId ?? "")?.approvals;
    for (const operation of task.operations.values()) {
      if (operation.kind !== "wait" || operation.approval === undefined) continue;
      const isOpen = !operation.done && task.phase !== "ended";
      const { id } = operation.approval;
      const say = (): string => `${id} of ${task.id}, ${task.status}`;
      must((listed?.has(id) ?? false) === isOpen, "a question is listed while it is open", say);
    }
  }

  /** What one operation has made is taken back, but for what was done. */
  undone(userId: string, chatId: string, operationId: string): void {
    const left = this.#shadow.session(userId, chatId)?.todos;
    for (const id of this.#made.get(operationId) ?? []) {
      const say = (): string => `${id} of ${operationId}`;
      must(left?.has(id) !== true || this.#done.has(id), "an undo takes back what was made", say);
    }
  }

  /** In the end: what was due has come, and each time it came it was said. */
  audit(): void {
    for (const { scope, state } of this.#shadow.scopes.values()) {
      if (!scope.startsWith("user/")) continue;
      const { reminders, approvals } = state as UserState;
      for (const { id, nextAtMs, snoozedMs } of reminders.values()) {
        const say = (): string => `${id} of ${scope}, ${String(nextAtMs)}, ${String(snoozedMs)}`;
        const came = (this.rang.get(id) ?? 0) > 0 && nextAtMs === null && snoozedMs === null;
        must(came, "a reminder comes", say);
      }
      must(approvals.size === 0, "no question is left behind", () => scope);
    }
    for (const [id, times] of this.rang) {
      const said = this.#said.get(id) ?? 0;
      must(said === times, "a reminder is said once each time", () => `${id}: ${said} of ${times}`);
    }
  }

  #isAsked({ id, taskId }: Approval): void {
    const task = this.#shadow.task(taskId);
    const asks = [...(task?.operations.values() ?? [])].some(
      (operation) => operation.kind === "wait" && operation.approval?.id === id && !operation.done,
    );
    const isOpen = asks && task?.phase !== "ended";
    must(isOpen, "a question is listed while it is open", () => `${id} of ${taskId}`);
  }

  /** The scope, and which of its lives: a deleted session forgets. */
  #life(scope: Scope): string {
    return `${scope} ${this.#shadow.deletions.get(scope) ?? 0}`;
  }

  #first(name: string, scope: Scope): void {
    must(!this.#once.has(name), "a wish counts once", () => `${name} in ${scope}`);
    this.#once.add(name);
  }

  #todo(scope: Scope, fact: TodoEvent): void {
    this.#first(`${this.#life(scope)} ${fact.eventId} ${fact.part ?? 0}`, scope);
    const state = this.#shadow.scopes.get(scope)?.state as SessionState | undefined;
    const todos = state?.todos ?? new Map<string, Todo>();
    if (fact.type === "todo.added") {
      const { id, operationId } = fact.todo;
      must(!todos.has(id), "a todo is made once", () => `${id} in ${scope}`);
      if (operationId === null) return;
      const made = this.#made.get(operationId) ?? [];
      this.#made.set(operationId, [...made, id]);
      return;
    }
    if (fact.type === "todos.arranged") return;
    const todo = todos.get(fact.todoId);
    must(todo !== undefined, "a todo that is changed is there", () => `${fact.todoId} in ${scope}`);
    if (fact.type === "todo.completed") this.#done.add(todo.id);
    if (fact.type !== "todo.removed") return;
    this.removed.add(todo.id);
    const operation = this.undoes.get(fact.eventId);
    if (operation === undefined) return;
    const own = todo.operationId === operation && todo.status !== "done";
    must(own, "an undo takes back nothing else", () => `${todo.id}, ${todo.status}`);
  }

  #rings(scope: Scope, fact: Fact, atMs: number): void {
    const [id, dueMs] = [String(fact["id"]), Number(fact["dueMs"])];
    this.#first(`${scope} ${id} ${dueMs}`, scope);
    must(atMs >= dueMs, "a timer never fires early", () => `${id}, ${dueMs - atMs} ms early`);
    const state = this.#shadow.scopes.get(scope)?.state as UserState | undefined;
    must(state?.reminders.has(id) === true, "a reminder that was removed is silent", () => id);
    this.rang.set(id, (this.rang.get(id) ?? 0) + 1);
  }

  #saysReminder({ message }: Fact): void {
    for (const part of (message as { parts: readonly Fact[] }).parts) {
      if (part.type !== "data" || part["name"] !== "reminder") continue;
      const { id } = part["data"] as { id: string };
      this.#said.set(id, (this.#said.get(id) ?? 0) + 1);
    }
  }

  #summary(scope: Scope, fact: Fact): void {
    const state = this.#shadow.scopes.get(scope)?.state as SessionState;
    const { messages, untilMessageId } = fact["summary"] as {
      messages: number;
      untilMessageId: string;
    };
    const before = state.summary?.messages ?? 0;
    const say = (): string => `${scope}: ${messages} after ${before}`;
    must(messages >= before, "a summary never goes back", say);
    must(state.messages.has(untilMessageId), "a summary covers what is there", say);
  }
}
