import { ok, refuse, type Message, type Reply } from "../decider.ts";
import { errorData } from "../errors.ts";
import { actedMax, sessionBytesMax, todosMax } from "../limits.ts";
import { taskScope } from "../scope.ts";
import type { TaskCommand } from "../task/commands.ts";
import type { TaskSpec } from "../task/spec.ts";
import type { DayPlan, Summary } from "./planner.ts";
import { messageBytes } from "./message-bytes.ts";
import type { ChatMessage, SessionEvent, SessionState, Turn } from "./state.ts";
import type { Todo } from "./todos.ts";

/** One thing of a session on its way to another host: a message, a todo, or a wish that must not be done again. */
export type PortableItem =
  | { readonly message: ChatMessage }
  | { readonly todo: Todo }
  | { readonly acted: readonly [string, readonly string[]] };

/** What a session is besides its items. */
export interface PortableHead {
  readonly title: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly turns: readonly Turn[];
  readonly summary: Summary | null;
  readonly plan: DayPlan | null;
}

/** How far the import of a session has come; it stays, so that a part that comes again changes nothing. */
export interface ImportState {
  readonly hash: string;
  /** Number of the part that comes next. */
  readonly next: number;
  readonly done: boolean;
}

/** A fact of an import, in the log of its session. */
export interface ImportEvent {
  readonly type: "session.imported";
  readonly hash: string;
  readonly part: number;
  readonly last: boolean;
  readonly head: PortableHead;
  readonly items: readonly PortableItem[];
}

/** One part of a session from another host. `specs` of the last part are those of its open turns, in order. */
export interface ImportCommand {
  readonly type: "import";
  /** Of the whole session: parts of another one are refused. */
  readonly hash: string;
  readonly part: number;
  readonly last: boolean;
  readonly head: PortableHead;
  readonly items: readonly PortableItem[];
  readonly specs: readonly TaskSpec[];
}

/** What of a session is the same on every host: everything but whose it is and how it is called. */
export function portableHead(state: SessionState): PortableHead {
  const { title, createdAtMs, updatedAtMs, turns, summary, plan } = state;
  return { title, createdAtMs, updatedAtMs, turns: [...turns], summary, plan };
}

/** The items of a session, in order. */
export function portableItems(state: SessionState): PortableItem[] {
  return [
    ...Array.from(state.messages.values(), (message) => ({ message })),
    ...Array.from(state.todos.values(), (todo) => ({ todo })),
    ...Array.from(state.acted, ([name, ids]) => ({ acted: [name, ids] as const })),
  ];
}

/** Folds one part, in place. Answers the messages to put, because the session counts their bytes. */
export function evolveImport(state: SessionState, event: ImportEvent): readonly ChatMessage[] {
  const { head, items, hash, part, last } = event;
  state.deleted = false;
  state.imported = { hash, next: part + 1, done: last };
  state.title = head.title;
  state.createdAtMs = head.createdAtMs;
  state.updatedAtMs = head.updatedAtMs;
  const messages: ChatMessage[] = [];
  for (const item of items) {
    if ("message" in item) messages.push(item.message);
    else if ("todo" in item) state.todos.set(item.todo.id, item.todo);
    else state.acted.set(...item.acted);
  }
  if (last) {
    state.turns = [...head.turns];
    state.summary = head.summary;
    state.plan = head.plan;
  }
  return messages;
}

/**
 * What a part comes to: its fact, and with the last one the tasks of open turns, which begin anew here. A part that
 * comes again changes nothing; a session that has content of its own refuses with `conflict`, one that would have too much
 * with `limit_exceeded`.
 */
export function decideImport(
  state: SessionState,
  command: ImportCommand,
): { events: readonly SessionEvent[]; messages: readonly Message[]; reply: Reply } {
  const { type: _type, specs, ...part } = command;
  const known = state.imported?.hash === command.hash && !state.deleted ? state.imported : null;
  const next = known?.next ?? 0;
  if (known !== null && command.part < next)
    return { events: [], messages: [], reply: ok({ next, done: known.done, repeated: true }) };
  const isEmpty = state.deleted || (state.messages.size === 0 && state.todos.size === 0);
  if (known === null && !isEmpty) {
    const message = `session ${state.chatId} has content of its own; import under another name, or delete it first`;
    return refused(errorData("conflict", message));
  }
  if (command.part !== next || known?.done === true)
    return refused(errorData("conflict", `part ${next} comes next, not ${command.part}`));
  const fault = tooMuch(known === null ? null : state, command.items);
  if (fault !== null) return refused(errorData("limit_exceeded", fault));
  const messages = command.last
    ? specs.map((spec, index): Message => {
        const body: TaskCommand = {
          type: "submit",
          spec: index === 0 ? spec : { ...spec, heldBy: "session" },
        };
        return { to: taskScope(spec.rootId), body };
      })
    : [];
  return {
    events: [{ ...part, type: "session.imported" }],
    messages,
    reply: ok({ next: next + 1, done: command.last }),
  };
}

/** What a session would have too much of with these items; `null`: nothing. No host lets one grow beyond that. */
function tooMuch(state: SessionState | null, items: readonly PortableItem[]): string | null {
  let [todos, acted, bytes] = [state?.todos.size ?? 0, state?.acted.size ?? 0, state?.bytes ?? 0];
  for (const item of items) {
    if ("message" in item) bytes += messageBytes(item.message);
    else if ("todo" in item) todos += 1;
    else acted += 1;
  }
  if (todos > todosMax) return `a session holds at most ${todosMax} todos`;
  if (acted > actedMax) return `a session remembers at most ${actedMax} wishes`;
  if (bytes <= sessionBytesMax) return null;
  return `a session holds at most about ${sessionBytesMax} bytes of messages`;
}

function refused(error: Parameters<typeof refuse>[0]): ReturnType<typeof decideImport> {
  return { events: [], messages: [], reply: refuse(error).reply };
}
