import type { Scope } from "../../src/core/scope.ts";
import type { Shadow } from "./shadow.ts";
import { must } from "./trace.ts";

/** What the clients of a world were promised, kept over every crash and held against what is stored. */
export class Remembered {
  readonly #shadow: Shadow;
  /** Tasks somebody was told of. */
  readonly #acked = new Set<string>();
  /** Ids of requests that were refused for a full disk. */
  readonly #refused = new Set<string>();
  /** What an idempotency key was first answered with, by user and key. */
  readonly #keys = new Map<string, { readonly hash: string; readonly ref: string }>();
  /** The turn a chat message made, and how often its session had been deleted when it was said. */
  readonly #turns = new Map<string, { readonly taskId: string; readonly deletions: number }>();

  constructor(shadow: Shadow) {
    this.#shadow = shadow;
  }

  /** A client was told that this task is accepted. */
  acknowledged(taskId: string): void {
    this.#acked.add(taskId);
    must(this.#isStored(taskId), "what was acknowledged is stored", () => taskId);
  }

  /** A client was told that nothing of this was accepted. */
  refused(taskId: string): void {
    this.#refused.add(taskId);
  }

  /** A submit with a key was answered. */
  keyAnswered(userId: string, key: string, answer: { hash: string; ref: string }): void {
    const name = `${userId}/${key}`;
    const first = this.#keys.get(name) ?? answer;
    this.#keys.set(name, first);
    const same = first.ref === answer.ref && first.hash === answer.hash;
    must(
      same,
      "a key makes one task",
      () => `${name} was answered ${first.ref}, then ${answer.ref}`,
    );
  }

  /** How often a session was deleted: a deleted session has forgotten its messages. */
  deletions(session: Scope): number {
    return this.#shadow.deletions.get(session) ?? 0;
  }

  /** A chat message that was said when its session had been deleted `deletions` times has made this turn. */
  turnMade(session: Scope, messageId: string, made: { taskId: string; deletions: number }): void {
    const before = this.#turns.get(messageId);
    const forgotten = before !== undefined && this.deletions(session) > before.deletions;
    const same = before === undefined || forgotten || before.taskId === made.taskId;
    must(
      same,
      "a message makes one turn",
      () => `${messageId} made ${before?.taskId ?? ""} and ${made.taskId}`,
    );
    this.#turns.set(messageId, made);
    this.acknowledged(made.taskId);
  }

  /** In the end: all that was promised is there, once, and nothing that was refused. */
  audit(): void {
    for (const id of this.#acked)
      must(this.#isStored(id), "what was acknowledged is stored", () => id);
    for (const id of this.#refused)
      must(!this.#isStored(id), "a full disk accepts nothing", () => id);
    const byKey = new Map<string, string>();
    for (const { id, spec } of this.#shadow.tasks()) {
      const { key } = (spec?.input ?? {}) as { key?: string };
      if (key === undefined) continue;
      const name = `${spec?.userId ?? ""}/${key}`;
      must(
        !byKey.has(name),
        "a key makes one task",
        () => `${name} made ${byKey.get(name) ?? ""} and ${id}`,
      );
      byKey.set(name, id);
    }
  }

  #isStored(taskId: string): boolean {
    return (this.#shadow.task(taskId)?.spec ?? null) !== null;
  }
}
