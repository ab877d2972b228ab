import { asSession } from "./erased-types.ts";
import { ErrandError } from "../core/errors.ts";
import { canonicalJson, isRecord } from "../core/json.ts";
import { sessionScope } from "../core/scope.ts";
import {
  portableHead,
  portableItems,
  type ImportCommand,
  type PortableHead,
  type PortableItem,
} from "../core/session/portable.ts";
import { messageText } from "../core/session/state.ts";
import type { TaskSpec } from "../core/task/spec.ts";
import type { SyncStore } from "../ports/store.ts";
import type { Engine } from "./engine.ts";

/** JSON of one part's items, in UTF-16 units: a part fits into a request and into one fact. */
const partCharsMax = 400_000;

/** One part of a session on its way to another host. */
export interface SessionPart {
  /** Number of the session's last fact: parts of different numbers do not belong together. */
  readonly seq: number;
  /** SHA-256 of the canonical JSON of head and items of the whole session. */
  readonly stateHash: string;
  readonly part: number;
  readonly parts: number;
  readonly head: PortableHead;
  readonly items: readonly PortableItem[];
}

/** How far an import has come. */
export interface Imported {
  readonly next: number;
  readonly done: boolean;
}

/** What moving sessions needs of a host. */
export interface PortablePorts {
  readonly store: Pick<SyncStore, "task">;
  sha256(text: string): Promise<string>;
}

/** Sessions that move between hosts (M15, SPEC PORT1). */
export class Portable {
  readonly #engine: Engine;
  readonly #ports: PortablePorts;

  constructor(engine: Engine, ports: PortablePorts) {
    this.#engine = engine;
    this.#ports = ports;
  }

  /** One part of a session as it is now; `null` if there is no such session. Throws `not_found` for a part beyond its end. */
  async export(userId: string, chatId: string, part: number): Promise<SessionPart | null> {
    const { kernel } = this.#engine;
    const found = await kernel.read(sessionScope(userId, chatId), (state, seq) => {
      const session = asSession(state);
      if (seq === 0 || session.deleted) return null;
      return { seq, head: portableHead(session), items: portableItems(session) };
    });
    if (found === null) return null;
    const { seq, head, items } = found;
    const parts = partsOf(items);
    const chosen = parts[part];
    if (chosen === undefined)
      throw new ErrandError("not_found", `session ${chatId} has ${parts.length} parts`);
    const stateHash = await this.#ports.sha256(canonicalJson({ head, items }));
    return { seq, stateHash, part, parts: parts.length, head, items: chosen };
  }

  /**
   * Takes one part. Durable when it resolves; the same part again changes nothing. With the last one, open turns are
   * submitted here and begin anew. Errors: `conflict`, `too_large`.
   */
  async import(userId: string, chatId: string, from: SessionPart): Promise<Imported> {
    const { head, items, part, parts, stateHash } = from;
    this.#refuseOthersTasks(userId, head, items);
    const last = part === parts - 1;
    const command: ImportCommand = {
      type: "import",
      hash: stateHash,
      part,
      last,
      head,
      items,
      specs: last ? await this.#specs(userId, chatId, head, items) : [],
    };
    const answer = await this.#engine.kernel.ask(sessionScope(userId, chatId), command);
    const { next, done } = isRecord(answer) ? answer : {};
    return { next: typeof next === "number" ? next : part + 1, done: done === true };
  }

  /** A session reads, stops and retries the tasks of its turns: none of another user may come in with it (SPEC PORT4). */
  #refuseOthersTasks(userId: string, head: PortableHead, items: readonly PortableItem[]): void {
    const named = [
      ...head.turns,
      ...items.flatMap((item) => ("message" in item ? [item.message] : [])),
    ];
    for (const taskId of new Set(named.map((one) => one.taskId))) {
      const row = taskId === null ? null : this.#ports.store.task(taskId);
      if (row !== null && row.userId !== userId)
        throw new ErrandError("conflict", `task ${taskId} of this session cannot be yours here`);
    }
  }

  /** Specs of the open turns, from the messages they answer: those of earlier parts and those of this one. */
  async #specs(
    userId: string,
    chatId: string,
    head: PortableHead,
    items: readonly PortableItem[],
  ): Promise<readonly TaskSpec[]> {
    const { kernel, types } = this.#engine;
    if (head.turns.length === 0) return [];
    const here = items.flatMap((item) => ("message" in item ? [item.message] : []));
    const before = await kernel.read(sessionScope(userId, chatId), (state) => [
      ...asSession(state).messages.values(),
    ]);
    const messages = [...before, ...here];
    return head.turns.map(({ taskId, messageId }) => {
      const asked = messages.find((one) => one.taskId === taskId && one.role === "user");
      const input = { text: asked === undefined ? "" : messageText(asked) };
      const options = { userId, sessionId: chatId, priority: "interactive" } as const;
      return { ...types.spec(types.get("chat"), taskId, input, options), messageId };
    });
  }
}

/** The items in parts that each fit; at least one. */
function partsOf(items: readonly PortableItem[]): readonly (readonly PortableItem[])[] {
  const parts: PortableItem[][] = [[]];
  let chars = 0;
  for (const item of items) {
    const size = JSON.stringify(item).length;
    if (chars > 0 && chars + size > partCharsMax) {
      parts.push([]);
      chars = 0;
    }
    parts.at(-1)?.push(item);
    chars += size;
  }
  return parts;
}
