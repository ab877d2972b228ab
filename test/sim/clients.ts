import type { Outcome } from "../../src/engine/kernel/group.ts";
import {
  queueScope,
  sessionScope,
  taskScope,
  userScope,
  type Scope,
} from "../../src/core/scope.ts";
import type { RetryPolicy, TaskSpec } from "../../src/core/task/spec.ts";
import type { TaskState } from "../../src/core/task/state.ts";
import { isEnd } from "../../src/core/task/status.ts";
import type { QueuePlan } from "./plan.ts";
import { firstCallOf, ProgramMaker } from "./program.ts";
import { rollDice } from "./dice.ts";
import { Remembered } from "./remembered.ts";
import { must } from "./trace.ts";
import type { World } from "./world.ts";

/** Something a client wants made, and can ask for again: with the same key or message id, and new ids for the rest. */
interface Wish {
  readonly about: string;
  ask(): void;
}

/** Keys live this long; the clock of a run never goes so far. */
const keyMs = 400 * 86_400_000;

/**
 * The people of a world: they submit, chat, cancel, retry and look, lose answers and ask again, and remember what
 * they were promised.
 */
export class Clients {
  readonly #world: World;
  readonly #programs: ProgramMaker;
  readonly #wishes: Wish[] = [];
  readonly #remembered: Remembered;
  #count = 0;

  constructor(world: World) {
    this.#world = world;
    this.#remembered = new Remembered(world.shadow);
    this.#programs = new ProgramMaker(world.plan, rollDice(world.plan.seed, "programs"));
  }

  /** Makes the queues, before anything else is asked for. */
  configure(): void {
    for (const queue of [...this.#world.plan.pools, ...this.#world.plan.endpoints])
      this.#configure(queue, queue.slots);
  }

  /** One random wish. */
  act(): void {
    const { dice, plan } = this.#world;
    const user = dice.pick(plan.users);
    this.#world.planners.act(user);
    const roll = dice.below(100);
    if (roll < 30) this.#submit(user);
    else if (roll < 44) this.#say(user);
    else if (roll < 53) this.#laneAdd(user);
    else if (roll < 62) this.#lane(user);
    else if (roll < 74) this.#onTask();
    else if (roll < 79) this.#event(dice.pick(["go", "more"]));
    else if (roll < 85) this.#again();
    else if (roll < 89) this.#onSession(user);
    else if (roll < 93) this.#onQueue();
    else this.#look();
  }

  /** In a world that heals: gives everything what it waits for from outside. True if there was something. */
  soothe(): boolean {
    const { shadow, plan, planners } = this.#world;
    if (planners.soothe()) return true;
    for (const { name } of [...plan.pools, ...plan.endpoints]) {
      if (shadow.queue(name)?.schedule.paused === true)
        return this.#command(queueScope(name), { type: "pause", paused: false });
    }
    for (const userId of plan.users) {
      for (const [lane, { current, waiting }] of shadow.user(userId)?.lanes ?? []) {
        if (current === null && waiting.length > 0)
          return this.#command(userScope(userId), { type: "laneWork", lane });
      }
    }
    for (const task of shadow.tasks()) {
      if (task.phase === "held" && task.spec?.heldBy === "manual" && task.spec.lane === undefined)
        return this.#command(taskScope(task.id), { type: "release" });
      for (const operation of task.operations.values()) {
        if (
          task.phase !== "active" ||
          operation.kind !== "wait" ||
          operation.done ||
          operation.approval !== undefined ||
          operation.untilMs !== null
        )
          continue;
        return this.#command(taskScope(task.id), {
          type: "event",
          name: operation.name,
          payload: "healed",
        });
      }
    }
    return false;
  }

  /** What was promised, against what is there in the end. */
  audit(): void {
    this.#remembered.audit();
  }

  #next(prefix: string): string {
    this.#count += 1;
    return `${prefix}${this.#count}`;
  }

  /** A task of this user; its root is itself, which {@link #send} fills in. */
  #spec(userId: string, key: string | null): TaskSpec {
    const { dice } = this.#world;
    const program = this.#programs.draw();
    const retry: RetryPolicy = {
      attemptsMax: dice.between(1, 4),
      minDelayMs: dice.pick([0, 20, 900]),
      maxDelayMs: 5_000,
      factor: 2,
      jitter: 0.3,
    };
    return {
      type: dice.pick(["free", "capped"]),
      userId,
      input: key === null ? { program } : { program, key },
      queue: program.queue,
      priority: dice.pick(["interactive", "background", "batch"]),
      rootId: "",
      ...(dice.chance(0.7) ? { retry } : {}),
      ...(dice.chance(0.1) ? { ttlMs: dice.pick([1, 300, 20_000]) } : {}),
      ...(dice.chance(0.1) ? { deadlineMs: dice.pick([50, 2_000, 90_000]) } : {}),
      ...(dice.chance(0.15) ? { delayMs: dice.pick([1, 200, 9_000]) } : {}),
      ...(dice.chance(0.1) ? { heldBy: "manual" as const } : {}),
      ...firstCallOf(program),
    };
  }

  #caps(spec: TaskSpec): TaskSpec {
    return spec.type === "capped" ? { ...spec, capTotal: 2, capPerKey: 1 } : spec;
  }

  #submit(userId: string): void {
    const { dice } = this.#world;
    const key = dice.chance(0.5) ? this.#next("key") : null;
    const spec = this.#caps(this.#spec(userId, key));
    const hash = `hash of ${key ?? ""}`;
    const wish: Wish = {
      about: `submit ${key ?? ""}`,
      ask: () => this.#send(wish, spec, { key, hash }),
    };
    wish.ask();
    if (key === null) return;
    this.#wishes.push(wish);
    if (dice.chance(0.1)) this.#send(wish, spec, { key, hash: "hash of another body" });
  }

  #send(wish: Wish, spec: TaskSpec, { key, hash }: { key: string | null; hash: string }): void {
    const { kernel, nowMs } = this.#world;
    const { userId } = spec;
    const taskId = kernel.id("task");
    const options =
      key === null ? {} : { key: { userId, key, hash, ref: taskId, expiresAtMs: nowMs + keyMs } };
    this.#world.note("client", `${wish.about} as ${taskId}`);
    const command = { type: "submit", spec: { ...spec, rootId: taskId } };
    this.#request(
      key === null ? null : wish,
      taskId,
      kernel.dispatch(taskScope(taskId), command, options),
      ({ reply, replayed }) => {
        if (!reply.ok) {
          must(
            reply.error.code === "idempotency_mismatch",
            "a good submit is accepted",
            () => `${taskId}: ${reply.error.message}`,
          );
          this.#world.mark("other body refused");
          return;
        }
        const ref = replayed ? (reply.value as { ref: string }).ref : taskId;
        if (replayed) this.#world.mark("submit replayed");
        this.#remembered.acknowledged(ref);
        if (key !== null) this.#remembered.keyAnswered(userId, key, { hash, ref });
      },
    );
  }

  #say(userId: string): void {
    const { dice, plan } = this.#world;
    const chatId = `chat${dice.between(1, plan.chatsPerUser)}`;
    const userMessageId = this.#next("msg");
    const onBusy = dice.pick(["queue", "queue", "interrupt", "reject"]);
    const { heldBy: _, ...spec } = this.#caps(this.#spec(userId, null));
    const scope = sessionScope(userId, chatId);
    const parts = [{ type: "text", text: userMessageId }];
    const wish: Wish = {
      about: `say ${userMessageId} in ${scope}, ${onBusy}`,
      ask: () => {
        const taskId = this.#world.kernel.id("task");
        const messageId = `answer-${taskId}`;
        const turn = { ...spec, rootId: taskId, sessionId: chatId, messageId };
        const command = {
          type: "say",
          userMessageId,
          messageId,
          taskId,
          parts,
          onBusy,
          spec: turn,
        };
        const deletions = this.#remembered.deletions(scope);
        this.#world.note("client", wish.about);
        this.#request(wish, taskId, this.#world.dispatch(scope, command), ({ reply }) => {
          if (reply.ok)
            this.#remembered.turnMade(scope, userMessageId, {
              ...(reply.value as { taskId: string }),
              deletions,
            });
          else
            must(
              reply.error.code === "session_busy",
              "a good message is accepted",
              () => `${wish.about}: ${reply.error.message}`,
            );
        });
      },
    };
    wish.ask();
    if (dice.chance(0.2)) this.#wishes.push(wish);
  }

  #laneAdd(userId: string): void {
    const { dice, kernel } = this.#world;
    const taskId = kernel.id("task");
    const command = {
      type: "laneAdd",
      lane: "notes",
      taskId,
      spec: { ...this.#spec(userId, null), rootId: taskId },
    };
    const wish: Wish = {
      about: `lane add ${taskId}`,
      ask: () => {
        this.#world.note("client", wish.about);
        this.#request(wish, null, this.#world.dispatch(userScope(userId), command), ({ reply }) => {
          must(reply.ok, "a good note is accepted", () => taskId);
          this.#remembered.acknowledged(taskId);
        });
      },
    };
    wish.ask();
    if (dice.chance(0.3)) this.#wishes.push(wish);
  }

  #lane(userId: string): void {
    const auto = this.#world.dice.chance(0.5);
    const command = this.#world.dice.chance(0.6)
      ? { type: "laneWork", lane: "notes" }
      : { type: "laneAuto", lane: "notes", auto };
    this.#command(userScope(userId), command);
  }

  #onTask(): void {
    const { dice } = this.#world;
    const tasks = [...this.#world.shadow.tasks()];
    const failed = tasks.filter((task) => task.phase === "ended" && task.status !== "completed");
    // A child that ends once more while its parent is still there is rare, and worth nearly every chance.
    const children = failed.filter(({ spec }) => this.#isOpen(spec?.parentId));
    if (children.length > 0 && dice.chance(0.9)) return this.#retry(dice.pick(children));
    if (failed.length > 0 && dice.chance(0.5)) return this.#retry(dice.pick(failed));
    const task = tasks[this.#world.choose(tasks.length)];
    if (task === undefined) return;
    const releasable = task.spec?.heldBy === "manual" && task.spec.lane === undefined;
    if (task.phase === "held" && releasable) this.#command(taskScope(task.id), { type: "release" });
    else if (dice.chance(0.7)) this.#cancel(task);
    else this.#retry(task);
  }

  #isOpen(taskId: string | undefined): boolean {
    return taskId !== undefined && this.#world.shadow.task(taskId)?.phase === "active";
  }

  /** Another try. A turn is tried again through its session, which knows whose turn it is. */
  #retry({ id, spec }: TaskState): void {
    const session =
      spec?.sessionId === undefined ? undefined : sessionScope(spec.userId, spec.sessionId);
    if (session === undefined) this.#command(taskScope(id), { type: "retry" });
    else this.#command(session, { type: "retryTurn", taskId: id });
  }

  #cancel(task: TaskState): void {
    const { id } = task;
    this.#world.note("client", `cancel ${id}`);
    const life = this.#world.shadow.lives.get(id)?.reopened ?? 0;
    this.#world.follow(this.#world.kernel.dispatch(taskScope(id), { type: "cancel" }), (result) => {
      if (result instanceof Error || !result.reply.ok) return;
      const now = this.#world.shadow.lives.get(id);
      const cancelled = now?.ends.slice(life).includes("cancelled") === true;
      must(
        cancelled,
        "an acknowledged cancel ends the task",
        () => `${id} is ${this.#world.shadow.task(id)?.status ?? "unknown"}`,
      );
      this.#world.mark("cancel acknowledged");
    });
  }

  #event(name: string): void {
    const open = [...this.#world.shadow.tasks()].filter((task) => !isEnd(task.status));
    const task = open[this.#world.choose(open.length)];
    if (task !== undefined)
      this.#command(taskScope(task.id), { type: "event", name, payload: this.#next("payload") });
  }

  #again(): void {
    const wish = this.#wishes[this.#world.choose(this.#wishes.length)];
    wish?.ask();
  }

  #onSession(userId: string): void {
    const { dice, plan } = this.#world;
    const chat = sessionScope(userId, `chat${dice.between(1, plan.chatsPerUser)}`);
    const command = dice.pick([
      { type: "stop" },
      { type: "stop" },
      { type: "rename", title: this.#next("title") },
      { type: "delete" },
    ]);
    this.#command(chat, command);
  }

  #onQueue(): void {
    const { dice, plan } = this.#world;
    const queue = dice.pick([...plan.pools, ...plan.endpoints]);
    if (dice.chance(0.4)) this.#configure(queue, dice.between(1, 4));
    else this.#command(queueScope(queue.name), { type: "pause", paused: dice.chance(0.4) });
  }

  #configure(queue: QueuePlan, slots: number): void {
    const slotsPerKey = queue.slotsPerKey === null ? null : Math.min(queue.slotsPerKey, slots);
    this.#command(queueScope(queue.name), { type: "configure", settings: { slots, slotsPerKey } });
  }

  /** Reads a task: what is shown is stored, and no older than what was told before. */
  #look(): void {
    const tasks = [...this.#world.shadow.tasks()];
    const task = tasks[this.#world.choose(tasks.length)];
    if (task === undefined) return;
    const scope = taskScope(task.id);
    const least = this.#world.toldOf(scope);
    this.#world.follow(
      this.#world.kernel.read(scope, (_, seq) => seq),
      (seen) => {
        const most = this.#world.shadow.scopes.get(scope)?.seq ?? 0;
        const fresh = seen instanceof Error || (seen >= least && seen <= most);
        must(
          fresh,
          "a read shows what is stored",
          () => `${scope} was read at ${String(seen)}, ${least} were told and ${most} are stored`,
        );
      },
    );
  }

  #command(
    scope: Scope,
    command: { readonly type: string; readonly [field: string]: unknown },
  ): true {
    this.#world.note("client", `${command.type} ${scope}`);
    this.#world.follow(this.#world.dispatch(scope, command), () => undefined);
    return true;
  }

  /**
   * A request whose answer may be lost: then it is asked again, if there is a wish for it. `taskId` is what it would
   * have made, if a full disk refuses it.
   */
  #request(
    wish: Wish | null,
    taskId: string | null,
    asked: Promise<Outcome>,
    answered: (outcome: Outcome) => void,
  ): void {
    const { dice, faults } = this.#world;
    if (dice.chance(faults.lostReply)) {
      this.#world.mark("reply lost");
      if (wish !== null) this.#wishes.push(wish);
      asked.catch(() => undefined);
      return;
    }
    this.#world.follow(asked, (result) => {
      if (!(result instanceof Error)) answered(result);
      else if (taskId !== null) this.#remembered.refused(taskId);
    });
  }
}
