import { ErrandError } from "../core/errors.ts";
import { isRecord } from "../core/json.ts";
import { userScope } from "../core/scope.ts";
import type { UserCommand } from "../core/user/decider.ts";
import type { Engine } from "./engine.ts";
import type { LaneView } from "./reader.ts";

/** A task on its way into a lane. */
export interface LaneEntry {
  readonly userId: string;
  readonly lane: string;
  readonly type: string;
  readonly input: unknown;
  /** The same key again is the same task, however far it is by then. */
  readonly key: string;
  readonly title?: string;
  readonly sessionId?: string;
}

/** Where an added task stands. `position` is its place in the lane, 1 is next; null if the key was known. */
export interface LaneAdded {
  readonly taskId: string;
  readonly position: number | null;
  /** True if the lane has begun with it already, because it runs by itself. */
  readonly started: boolean;
}

/** What the wish to start a task of a lane came to. `gone`: it is neither waiting nor running there. */
export type LaneStart =
  | { readonly is: "started" | "busy" | "gone"; readonly taskId: string }
  | { readonly is: "empty" };

/** A user's lanes: lines of tasks that run one at a time, by `work` or by themselves (SPEC LANE1). */
export class Lanes {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Adds a task to the end of a lane. Durable when it resolves.
   * Errors: `unknown_type`, `invalid_request`, `too_large`, `queue_full`, `idempotency_mismatch`.
   */
  async add(entry: LaneEntry): Promise<LaneAdded> {
    const { kernel, types } = this.#engine;
    const { userId, lane, type, input, key, title, sessionId } = entry;
    const taskId = kernel.id("task");
    const spec = types.spec(types.get(type), taskId, input, {
      userId,
      ...(title === undefined ? {} : { title }),
      ...(sessionId === undefined ? {} : { sessionId }),
    });
    const command: UserCommand = { type: "laneAdd", lane, taskId, spec };
    const commandKey = await this.#engine.keyFor(userId, key, { lane, type, input }, taskId);
    const { reply, replayed } = await kernel.dispatch(userScope(userId), command, {
      key: commandKey,
    });
    if (!reply.ok) {
      throw new ErrandError(reply.error.code, reply.error.message, {
        retryAfterMs: reply.error.retryAfterMs,
      });
    }
    const answer = isRecord(reply.value) ? reply.value : {};
    const { ref, position, started } = answer;
    if (replayed) return { taskId: String(ref), position: null, started: false };
    return {
      taskId,
      position: typeof position === "number" ? position : null,
      started: started === true,
    };
  }

  /**
   * Starts `taskId` of a lane if nothing else of it runs. Asking twice for one task starts it once: the second
   * answer is `started` while it runs and `gone` afterwards.
   */
  async start(userId: string, lane: string, taskId: string): Promise<LaneStart> {
    const command: UserCommand = { type: "laneWork", lane, taskId };
    const answer = await this.#engine.kernel.ask(userScope(userId), command);
    if (isRecord(answer)) {
      for (const is of ["started", "busy", "gone"] as const) {
        const named = answer[is];
        if (typeof named === "string") return { is, taskId: named };
      }
    }
    return { is: "empty" };
  }

  /** Lets a lane run by itself, or no longer. Answers the task that began by it, if one did. */
  async setAuto(userId: string, lane: string, auto: boolean): Promise<string | null> {
    const command: UserCommand = { type: "laneAuto", lane, auto };
    const answer = await this.#engine.kernel.ask(userScope(userId), command);
    return isRecord(answer) && typeof answer["started"] === "string" ? answer["started"] : null;
  }

  /** A lane as it stands. */
  async read(userId: string, lane: string): Promise<LaneView> {
    return await this.#engine.reader.lane(userId, lane);
  }
}
