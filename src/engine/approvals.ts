import { asUser } from "./erased-types.ts";
import { ErrandError } from "../core/errors.ts";
import { taskScope, userScope } from "../core/scope.ts";
import type { TaskCommand } from "../core/task/commands.ts";
import type { ApprovalAnswer } from "../core/task/events.ts";
import type { UserCommand } from "../core/user/decider.ts";
import type { Approval } from "../core/user/approvals.ts";
import type { Engine } from "./engine.ts";
import type { Meta } from "./kernel/frame.ts";

/** Questions that tasks ask their people (SPEC APPROVE1). */
export class Approvals {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** What waits for this user's answer, the oldest first. */
  async list(userId: string): Promise<readonly Approval[]> {
    return await this.#engine.kernel.read(userScope(userId), (state) =>
      [...asUser(state).approvals.values()].map((approval) => ({ ...approval })),
    );
  }

  /** One question that waits; `null` if there is none of that id. */
  async get(userId: string, id: string): Promise<Approval | null> {
    const approvals = await this.list(userId);
    return approvals.find((approval) => approval.id === id) ?? null;
  }

  /**
   * Answers a question; final and durable when it resolves. Errors: `not_found`, also for one that was answered and is
   * off the list; `conflict` if it had another answer a moment ago.
   */
  async answer(userId: string, id: string, answer: ApprovalAnswer, meta?: Meta): Promise<Approval> {
    const approval = await this.get(userId, id);
    if (approval === null) throw new ErrandError("not_found", `there is no approval ${id}`);
    const command: TaskCommand = { type: "answer", id, answer };
    const { kernel } = this.#engine;
    const options = meta === undefined ? {} : { meta };
    const { reply } = await kernel.dispatch(taskScope(approval.taskId), command, options);
    if (reply.ok) return approval;
    const { code, message } = reply.error;
    // The task knows nothing of it any more: the list forgets it as well.
    const settled: UserCommand = { type: "approvalSettled", id };
    if (code === "not_found" || code === "conflict") await kernel.ask(userScope(userId), settled);
    throw new ErrandError(code, message);
  }
}
