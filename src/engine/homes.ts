import type { Scope } from "../core/scope.ts";
import type { Cursor } from "../core/stream/cursor.ts";
import type { Courier } from "../ports/host.ts";
import type { FeedReader } from "./feed/task-feed.ts";
import type { KernelPorts } from "./kernel/kernel-ports.ts";
import type { Reader } from "./reader.ts";

/** The part of a reader that other homes may ask: its answers are plain data. */
export type Readings = Pick<
  Reader,
  | "task"
  | "view"
  | "log"
  | "why"
  | "place"
  | "tasks"
  | "sessions"
  | "queue"
  | "queueSettings"
  | "waits"
  | "startOfNew"
  | "lane"
  | "todos"
  | "person"
  | "memory"
>;

/** Names of {@link Readings}, for hosts that carry questions. */
export const readingNames: readonly (keyof Readings)[] = [
  "task",
  "view",
  "log",
  "why",
  "place",
  "tasks",
  "sessions",
  "queue",
  "queueSettings",
  "waits",
  "startOfNew",
  "lane",
  "todos",
  "person",
  "memory",
];

/**
 * The other homes, for an engine that has one of many: a session with its tasks, a user, or a queue (SPEC HOME1). All
 * that crosses between homes goes through here: messages, commands, questions and rows of lists.
 */
export interface Homes {
  /** True if the scope lives here. `body` is the message or command on its way there. */
  isLocal(scope: Scope, body?: unknown): boolean;
  /** Where rows of a user's lists stand besides here; `null`: here alone. */
  listsAt(userId: string): Scope | null;
  /** Carries messages, those to one home in the order they were given, at least once. */
  readonly courier: Courier;
  /** Gives a command to a scope of another home; as `Kernel.dispatch`. */
  readonly dispatch: NonNullable<KernelPorts["dispatchAway"]>;
  /** Finds out where a task lives, so that {@link isLocal} knows. A task that is nowhere is taken for local. */
  find(taskId: string): Promise<void>;
  /** The reader of the home that a scope lives in. Errors are Errand's own. */
  reader(scope: Scope): Readings;
  /**
   * Lets a reader follow a task that lives in another home, from behind `after`; answers how to stop. A task's home that
   * cannot be reached is tried again until the reader stops.
   */
  follow(taskId: string, after: Cursor, reader: FeedReader): () => void;
  /** All queues there are. */
  readonly queues: readonly string[];
}

/** An engine that has every scope itself needs none of it. */
export function kernelHomes(
  homes: Homes | undefined,
): Pick<KernelPorts, "courier" | "isLocal" | "dispatchAway" | "listsAt"> {
  if (homes === undefined) return {};
  return {
    courier: homes.courier,
    isLocal: (scope, body) => homes.isLocal(scope, body),
    dispatchAway: (scope, command, options) => homes.dispatch(scope, command, options),
    listsAt: (userId) => homes.listsAt(userId),
  };
}
