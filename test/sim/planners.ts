import { taskScope, sessionScope, userScope, type Scope } from "../../src/core/scope.ts";
import { portableHead, portableItems, type PortableItem } from "../../src/core/session/portable.ts";
import type { SessionState } from "../../src/core/session/state.ts";
import type { NewTodo, TodoAct } from "../../src/core/session/todos.ts";
import type { Approval } from "../../src/core/user/approvals.ts";
import type { UserState } from "../../src/core/user/decider.ts";
import type { Committed } from "../../src/engine/kernel/group.ts";
import { rollDice, type Dice } from "./dice.ts";
import type { PlannerChecks } from "./planner-checks.ts";
import { must } from "./trace.ts";
import type { World } from "./world.ts";

/** A command that may be given again, word for word. */
interface Wish {
  readonly scope: Scope;
  readonly command: { readonly type: string; readonly [field: string]: unknown };
  /** Refusals that a good wish may meet. */
  readonly refusals: readonly string[];
  readonly done: (value: unknown) => void;
}

/** What was read of a session to go elsewhere. */
interface Parcel {
  readonly target: Scope;
  readonly hash: string;
  readonly head: ReturnType<typeof portableHead>;
  readonly parts: readonly (readonly PortableItem[])[];
  readonly items: string;
}

/** The session of a person's own todos. */
const planner = "planner";
/** A recurring reminder comes so often at most, before the world heals. */
const ringsMax = 3;

/**
 * The people of a world with their todos, reminders and questions, and the tasks that sum up, propose and move
 * sessions. Dice of their own: what the other clients draw does not depend on them.
 */
export class Planners {
  readonly #world: World;
  readonly #checks: PlannerChecks;
  readonly #dice: Dice;
  readonly #wishes: Wish[] = [];
  /** Todos, with their session, that somebody was told of. */
  readonly #told = new Map<string, Scope>();
  /** Operations whose todos somebody was told of, by person. */
  readonly #operations: { readonly userId: string; readonly id: string }[] = [];
  /** What was answered to each question first. */
  readonly #answers = new Map<string, { readonly taskId: string; readonly approved: boolean }>();
  readonly #arrived: Parcel[] = [];
  /** How much of the clients' time is theirs: all or nothing, so that what they do meets. */
  readonly #rate: number;
  #count = 0;

  constructor(world: World, checks: PlannerChecks) {
    this.#world = world;
    this.#checks = checks;
    this.#dice = rollDice(world.plan.seed, "planners");
    this.#rate = this.#dice.chance(0.4) ? 0.8 : 0;
  }

  /** One random wish, beside every other wish of the clients. */
  act(userId: string): void {
    if (!this.#dice.chance(this.#rate)) return;
    const roll = this.#dice.below(100);
    if (roll < 16) this.#addTodos(userId);
    else if (roll < 34) this.#changeTodo(userId);
    else if (roll < 43) this.#undo();
    else if (roll < 50) this.#remind(userId);
    else if (roll < 57) this.#onReminder(userId);
    else if (roll < 64) this.#answer();
    else if (roll < 69) this.#summarize(userId);
    else if (roll < 78) this.#move(userId);
    else this.#again();
  }

  /** In a world that heals: answers a question that waits. True if there was one. */
  soothe(): boolean {
    const [asked] = this.#questions();
    if (asked !== undefined) this.#say(asked, true);
    return asked !== undefined;
  }

  /** The calendar: asked by the fact when a recurring reminder comes next. An answer may be lost. */
  heard({ scope, state, events }: Pick<Committed, "scope" | "state" | "events">): void {
    if (!scope.startsWith("user/")) return;
    for (const event of events as readonly { type: string; id: string }[]) {
      if (event.type === "reminder.rang") this.#world.mark("reminder came");
      if (event.type !== "reminder.rang" && event.type !== "reminder.unplanned") continue;
      const reminder = (state as UserState).reminders.get(event.id);
      if (reminder === undefined || reminder.cron === null) continue;
      if (this.#dice.chance(this.#world.faults.lostReply)) continue;
      const { id, plannedFromMs: fromMs } = reminder;
      const goesOn = !this.#world.healing && (this.#checks.rang.get(id) ?? 0) < ringsMax;
      const nextAtMs = goesOn ? this.#later() : null;
      this.#give({ scope, command: { type: "reminderPlan", id, fromMs, nextAtMs } });
    }
  }

  /** What was promised, against what is there in the end. */
  audit(): void {
    this.#checks.audit();
    const { shadow } = this.#world;
    for (const [id, scope] of this.#told) {
      const state = shadow.scopes.get(scope)?.state as SessionState | undefined;
      const kept = state?.todos.has(id) === true || this.#checks.removed.has(id);
      must(kept, "a todo is kept until it is removed", () => `${id} in ${scope}`);
    }
    for (const [id, { taskId, approved }] of this.#answers) {
      const operations = [...(shadow.task(taskId)?.operations.values() ?? [])];
      const wait = operations.find((one) => one.kind === "wait" && one.approval?.id === id);
      const payload =
        wait?.kind === "wait" ? (wait.payload as { approved?: boolean } | null) : null;
      must(payload?.approved === approved, "an answer is final", () => `${id} of ${taskId}`);
    }
    for (const { target, items } of this.#arrived) {
      const state = shadow.scopes.get(target)?.state as Parameters<typeof portableItems>[0];
      const same = JSON.stringify(portableItems(state)) === items;
      must(same, "a session arrives as it was", () => target);
    }
  }

  #next(prefix: string): string {
    this.#count += 1;
    return `${prefix}${this.#count}`;
  }

  /** A time to come that nobody has named before. */
  #later(): number {
    this.#count += 1;
    return this.#world.nowMs + this.#dice.pick([40, 900, 30_000, 4_000_000]) + this.#count;
  }

  #give(wish: Pick<Wish, "scope" | "command"> & Partial<Wish>): void {
    this.#ask({ refusals: [], done: () => undefined, ...wish });
  }

  #ask(wish: Wish): void {
    const { scope, command, refusals, done } = wish;
    this.#world.note("planner", `${command.type} ${scope}`);
    const asked = this.#world.dispatch(scope, command);
    const isLost = this.#dice.chance(this.#world.faults.lostReply);
    if (isLost || this.#dice.chance(0.3)) this.#wishes.push(wish);
    if (isLost) {
      asked.catch(() => undefined);
      return;
    }
    this.#world.follow(asked, (result) => {
      if (result instanceof Error) return;
      const { reply } = result;
      if (reply.ok) return done(reply.value);
      const { code, message } = reply.error;
      must(refusals.includes(code), "a good wish is met", () => `${command.type}: ${message}`);
    });
  }

  #again(): void {
    const wish = this.#wishes[this.#world.choose(this.#wishes.length)];
    if (wish !== undefined) this.#ask(wish);
  }

  #wishTodo(userId: string, act: TodoAct, done: Wish["done"] = () => undefined): void {
    const eventId = this.#next("wish");
    const action = this.#dice.chance(0.5) ? { actionId: this.#next("action") } : {};
    if (act.do === "undo") this.#checks.undoes.set(eventId, act.operationId);
    this.#give({
      scope: sessionScope(userId, planner),
      command: { type: "todo", eventId, ...action, act },
      refusals: ["not_found"],
      done: (value) => {
        if ((value as { repeated?: true }).repeated === true)
          this.#world.mark("todo wish repeated");
        done(value);
      },
    });
  }

  /** A person's own, or what a search in a chat proposes: of one operation, and with where it came from. */
  #addTodos(userId: string): void {
    const isProposed = this.#dice.chance(0.4);
    const operationId = isProposed || this.#dice.chance(0.4) ? this.#next("operation") : null;
    const source = isProposed ? { sessionId: "chat1", messageId: this.#next("heard") } : null;
    const todos = Array.from({ length: this.#dice.between(1, 3) }, (): NewTodo => {
      const id = this.#world.kernel.id("todo");
      return { id, text: this.#next("text"), dueDay: null, source, operationId };
    });
    const act: TodoAct = { do: "add", todos, ...(isProposed ? { proposed: true } : {}) };
    this.#wishTodo(userId, act, () => {
      for (const { id } of todos) this.#told.set(id, sessionScope(userId, planner));
      if (operationId !== null) this.#operations.push({ userId, id: operationId });
    });
  }

  #changeTodo(userId: string): void {
    const todos = [...(this.#world.shadow.session(userId, planner)?.todos.values() ?? [])];
    const todo = todos[this.#world.choose(todos.length)];
    if (todo === undefined) return;
    const { id: todoId } = todo;
    const order = todos.map(({ id }) => id).toReversed();
    const acts: readonly TodoAct[] = [
      { do: "change", todoId, done: todo.status !== "done" },
      { do: "change", todoId, done: todo.status !== "done" },
      { do: "change", todoId, accepted: true },
      { do: "change", todoId, text: this.#next("text"), dueDay: "2027-03-01" },
      { do: "remove", todoId },
      { do: "arrange", order, dueDays: { [todoId]: "2027-03-02" } },
    ];
    this.#wishTodo(userId, this.#dice.pick(acts));
  }

  #undo(): void {
    const operation = this.#operations[this.#world.choose(this.#operations.length)];
    if (operation === undefined) return;
    const { userId, id: operationId } = operation;
    const todos = this.#world.shadow.session(userId, planner)?.todos.values() ?? [];
    const open = [...todos].find((one) => one.operationId === operationId && one.status !== "done");
    // What was done stays: often one of them is, just before.
    if (open !== undefined && this.#dice.chance(0.5))
      this.#wishTodo(userId, { do: "change", todoId: open.id, done: true });
    this.#wishTodo(userId, { do: "undo", operationId }, () => {
      this.#checks.undone(userId, planner, operationId);
      this.#world.mark("operation undone");
    });
  }

  #remind(userId: string): void {
    const reminder = {
      id: this.#world.kernel.id("rem"),
      text: this.#next("text"),
      cron: this.#dice.chance(0.3) ? "* * * * *" : null,
      timeZone: "UTC",
      sessionId: this.#dice.pick([planner, "chat1"]),
    };
    // Asked for again after its time, if the first wish was lost.
    this.#give({
      scope: userScope(userId),
      command: { type: "reminderSet", reminder, nextAtMs: this.#later() },
      refusals: ["invalid_request"],
      done: () => {
        const { reminders } = this.#world.shadow.user(userId) ?? {};
        const known = reminders?.has(reminder.id) === true || this.#checks.removed.has(reminder.id);
        must(known, "a reminder that was answered is set", () => reminder.id);
      },
    });
  }

  #onReminder(userId: string): void {
    const ids = [...(this.#world.shadow.user(userId)?.reminders.keys() ?? [])];
    const id = ids[this.#world.choose(ids.length)];
    if (id === undefined) return;
    const isRemoved = this.#dice.chance(0.3);
    if (isRemoved) this.#checks.removed.add(id);
    const command = isRemoved
      ? { type: "reminderRemove", id }
      : { type: "reminderSnooze", id, untilMs: this.#later() };
    // Said again after its time, if the first wish was lost.
    const refusals = ["not_found", ...(isRemoved ? [] : ["invalid_request"])];
    this.#give({ scope: userScope(userId), command, refusals });
  }

  #questions(): Approval[] {
    const { plan, shadow } = this.#world;
    return plan.users.flatMap((userId) => [...(shadow.user(userId)?.approvals.values() ?? [])]);
  }

  /** Somebody says yes or no; now and then somebody else says something, later or otherwise. */
  #answer(): void {
    const open = this.#questions();
    const asked = open[this.#world.choose(open.length)];
    if (asked === undefined) return;
    const approved = this.#dice.chance(0.5);
    this.#say(asked, approved);
    if (this.#dice.chance(0.3)) this.#say(asked, this.#dice.chance(0.5));
  }

  #say({ id, taskId }: Approval, approved: boolean): void {
    this.#give({
      scope: taskScope(taskId),
      command: { type: "answer", id, answer: { approved } },
      refusals: ["conflict", "not_found"],
      done: () => {
        const before = this.#answers.get(id)?.approved ?? approved;
        must(before === approved, "an answer is final", () => `${id} was ${String(before)}`);
        this.#answers.set(id, { taskId, approved });
        this.#world.mark("question answered");
      },
    });
  }

  /** A task sums a session up; another one, which began earlier, may come later. */
  #summarize(userId: string): void {
    const ids = [...(this.#world.shadow.session(userId, "chat1")?.messages.keys() ?? [])];
    const at = this.#dice.below(ids.length);
    const untilMessageId = ids[at];
    if (untilMessageId === undefined) return;
    const summary = {
      text: this.#next("summary"),
      untilMessageId,
      messages: at + 1,
      by: "rules",
      taskId: this.#next("summaryTask"),
    };
    this.#give({
      scope: sessionScope(userId, "chat1"),
      command: { type: "summarize", summary },
      done: () => this.#world.mark("session summed up"),
    });
  }

  /** A session goes to another place, in parts; a part may be sent again at any time. */
  #move(userId: string): void {
    const state = this.#world.shadow.session(userId, this.#dice.pick([planner, "chat1"]));
    if (state === undefined || state.turns.length > 0 || state.deleted) return;
    const items = JSON.stringify(portableItems(state));
    const copy = JSON.parse(items) as PortableItem[];
    if (copy.length === 0) return;
    const size = Math.ceil(copy.length / this.#dice.between(1, 3));
    const parts: PortableItem[][] = [];
    for (let from = 0; from < copy.length; from += size) parts.push(copy.slice(from, from + size));
    const target = sessionScope(this.#dice.pick(this.#world.plan.users), this.#next("copy"));
    const head = structuredClone(portableHead(state));
    this.#part({ target, hash: this.#next("hash"), head, parts, items }, 0);
  }

  #part(parcel: Parcel, part: number): void {
    const { target, hash, head, parts, items } = parcel;
    const last = part === parts.length - 1;
    this.#give({
      scope: target,
      command: { type: "import", hash, part, last, head, items: parts[part], specs: [] },
      done: (value) => {
        const { repeated } = value as { repeated?: true };
        if (repeated === true) this.#world.mark("part came again");
        else if (this.#dice.chance(0.4)) this.#part(parcel, part);
        if (!last) return this.#part(parcel, part + 1);
        if (this.#arrived.some((known) => known.target === target)) return;
        this.#arrived.push({ ...parcel, items });
        this.#world.mark("session moved");
      },
    });
  }
}
