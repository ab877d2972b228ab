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

/** Sessions that move between hosts (M15, SPEC PORT1). */
export class Portable {
  readonly #engine: Engine;
  readonly #sha256: (text: string) => Promise<string>;

  constructor(engine: Engine, sha256: (text: string) => Promise<string>) {
    this.#engine = engine;
    this.#sha256 = sha256;
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
    const stateHash = await this.#sha256(canonicalJson({ head, items }));
    return { seq, stateHash, part, parts: parts.length, head, items: chosen };
  }

  /**
   * Takes one part. Durable when it resolves; the same part again changes nothing. With the last one, open turns are
   * submitted here and begin anew. Errors: `conflict`, `too_large`.
   */
  async import(userId: string, chatId: string, from: SessionPart): Promise<Imported> {
    const { head, items, part, parts, stateHash } = from;
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
