import type { Driver } from "../../adapters/sqlite/driver.ts";
import { formatId } from "../../core/ids.ts";
import { isRecord } from "../../core/json.ts";
import {
  scopeKind,
  scopeName,
  sessionScope,
  taskHome,
  userScope,
  type Scope,
} from "../../core/scope.ts";
import type { SyncStore } from "../../ports/store.ts";

/** Tasks whose home is kept in memory. What is forgotten is looked up again. */
const knownMax = 10_000;

/** A place is forgotten when its task was made so long ago that it must be gone. */
const placeKeptMs: number = 400 * 86_400_000;

const noRandomBits = new Uint8Array(10);

/**
 * Which home a scope lives in, as one object knows it. Sessions, users and queues are homes of their own. A task lives
 * with its session or its user: a session's object holds tasks of its own only, a user's object knows the others by
 * their rows and by what it submitted, and a queue's object by who asked.
 */
export class Whereabouts {
  readonly home: Scope;
  readonly #driver: Driver;
  readonly #store: Pick<SyncStore, "task">;
  readonly #known = new Map<string, Scope>();

  constructor(home: Scope, driver: Driver, store: Pick<SyncStore, "task">) {
    this.home = home;
    this.#driver = driver;
    this.#store = store;
    if (!this.#keepsPlaces()) return;
    driver.exec(
      "CREATE TABLE IF NOT EXISTS place (task TEXT NOT NULL PRIMARY KEY, home TEXT NOT NULL) WITHOUT ROWID",
    );
    // Ids begin with the time of their task.
    const oldest = formatId("task", Math.max(0, Date.now() - placeKeptMs), noRandomBits);
    driver.prepare("DELETE FROM place WHERE task < ?").run(oldest);
  }

  /** The user whose home this is; `null` for a queue. */
  get userId(): string | null {
    const name = scopeName(this.home);
    if (scopeKind(this.home) === "queue") return null;
    const slash = name.indexOf("/");
    return slash < 0 ? name : name.slice(0, slash);
  }

  /** The object with whom lists of this home's user stand; `null`: this one. */
  get listsAt(): Scope | null {
    return scopeKind(this.home) === "session" ? userScope(this.userId ?? "") : null;
  }

  /** The home of a scope. `body`: what is on its way there; a submit says itself where its task will live. */
  homeOf(scope: Scope, body?: unknown): Scope {
    if (scopeKind(scope) !== "task") return scope;
    const taskId = scopeName(scope);
    const said = homeOfSubmit(body);
    if (said !== null) {
      if (said !== this.home) this.note(taskId, said);
      return said;
    }
    const known = this.#known.get(taskId) ?? this.#stored(taskId);
    if (known === null) return this.home;
    this.#remember(taskId, known);
    return known;
  }

  /** The home of a task that this object has heard of; `null` if it has not. */
  whereIs(taskId: string): Scope | null {
    return this.#known.get(taskId) ?? this.#stored(taskId);
  }

  /** Somebody has said where a task lives. Durable where nothing else of this object would tell it after a restart. */
  note(taskId: string, home: Scope): void {
    if (this.#known.get(taskId) === home) return;
    this.#remember(taskId, home);
    if (!this.#keepsPlaces()) return;
    this.#driver
      .prepare(
        "INSERT INTO place (task, home) VALUES (?, ?) ON CONFLICT (task) DO UPDATE SET home = excluded.home WHERE home <> excluded.home",
      )
      .run(taskId, home);
  }

  /** A message has come: the task that sent it lives where it came from. */
  heardFrom(messageId: string, home: Scope): void {
    const end = messageId.indexOf("#");
    if (messageId.startsWith("task/") && end > 0)
      this.note(messageId.slice("task/".length, end), home);
  }

  #keepsPlaces(): boolean {
    return scopeKind(this.home) !== "session";
  }

  #stored(taskId: string): Scope | null {
    const row = scopeKind(this.home) === "queue" ? null : this.#store.task(taskId);
    if (row !== null) {
      const { userId, sessionId } = row;
      return sessionId === null ? userScope(userId) : sessionScope(userId, sessionId);
    }
    if (!this.#keepsPlaces()) return null;
    const place = this.#driver.prepare("SELECT home FROM place WHERE task = ?").get(taskId);
    return typeof place?.["home"] === "string" ? asScope(place["home"]) : null;
  }

  #remember(taskId: string, home: Scope): void {
    this.#known.delete(taskId);
    this.#known.set(taskId, home);
    const oldest = this.#known.size > knownMax ? this.#known.keys().next().value : undefined;
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}

/** Text of a scope, checked. */
export function asScope(text: string): Scope {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- scopeKind throws for what is none
  const scope = text as Scope;
  scopeKind(scope);
  return scope;
}

function homeOfSubmit(body: unknown): Scope | null {
  if (!isRecord(body) || body["type"] !== "submit" || !isRecord(body["spec"])) return null;
  const { userId, sessionId } = body["spec"];
  if (typeof userId !== "string") return null;
  return taskHome({ userId, sessionId: typeof sessionId === "string" ? sessionId : null });
}
