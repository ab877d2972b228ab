import { closedBy, isProbing } from "../../src/core/schedule/opening.ts";
import { pendingCount, type Lease } from "../../src/core/schedule/state.ts";
import { queueScope, scopeKind, scopeName, taskScope, type Scope } from "../../src/core/scope.ts";
import type { CallOperation, TaskState } from "../../src/core/task/state.ts";
import { isEnd } from "../../src/core/task/status.ts";
import type { Plan } from "./plan.ts";
import { PlannerChecks } from "./planner-checks.ts";
import type { Shadow } from "./shadow.ts";
import { must } from "./trace.ts";

/**
 * Promises between scopes, checked on what is on disk after every commit. Where queues live in another home their
 * messages are under way for a while, and what a task and its queue think of each other agrees only at the end.
 */
export class ScopeChecks {
  readonly planner: PlannerChecks;
  readonly #shadow: Shadow;
  readonly #plan: Plan;
  readonly #nowMs: () => number;
  /** Voided calls whose tasks do not know it yet. */
  readonly #voided = new Set<string>();

  constructor(shadow: Shadow, plan: Plan, nowMs: () => number) {
    this.#shadow = shadow;
    this.#plan = plan;
    this.#nowMs = nowMs;
    this.planner = new PlannerChecks(shadow);
  }

  /** Checks a fact before it is folded: slots are given while they are free, and nothing begins without one. */
  before(scope: Scope, event: { readonly type: string }, atMs: number): void {
    this.planner.before(scope, event, atMs);
    if (event.type === "call.granted") {
      const schedule = this.#shadow.queue(scopeName(scope))?.schedule;
      const slots = schedule?.settings.slots ?? 1;
      const running = schedule?.leases.size ?? 0;
      must(
        running < slots,
        "running calls are within the slots",
        () => `${scope} grants beyond its ${slots} slots`,
      );
      must(schedule?.paused !== true, "a paused queue grants nothing", () => scope);
    }
    if (event.type === "lane.started")
      this.#laneStarts(scopeName(scope), event as { lane?: string });
    if (event.type === "leases.voided") {
      for (const call of this.#shadow.queue(scopeName(scope))?.schedule.leases.keys() ?? [])
        this.#voided.add(call);
    }
    if (
      !this.#plan.remoteQueues ||
      (event.type !== "task.started" && event.type !== "call.started")
    )
      return;
    const task = this.#shadow.task(scopeName(scope));
    const operation = "op" in event ? task?.operations.get(String(event.op)) : undefined;
    const [queue, call] =
      operation?.kind === "call"
        ? [operation.queue, operation.call]
        : [task?.spec?.queue, task?.lease];
    must(
      this.holds(queue ?? "", call ?? ""),
      "what begins has a slot",
      () => `call ${call ?? ""} of queue ${queue ?? ""}`,
    );
  }

  /**
   * True if a call may use its slot. A queue in another home may have voided it while its grant was on its way: the
   * task begins and is lost as soon as it is told, so for that long one call more may run than there are slots.
   */
  holds(queue: string, call: string): boolean {
    return this.#shadow.queue(queue)?.schedule.leases.has(call) === true || this.#voided.has(call);
  }

  /** A task was told that its call is void: from now on it must not use it. */
  told(call: string): void {
    this.#voided.delete(call);
  }

  /** Checks the scopes a commit touched. */
  after(touched: readonly Scope[]): void {
    for (const scope of touched) {
      this.planner.after(scope);
      switch (scopeKind(scope)) {
        case "task":
          this.#task(scope);
          break;
        case "queue":
          this.#queue(scopeName(scope));
          break;
        case "session":
          this.#session(scope);
          break;
        case "user":
          this.#lanes(scopeName(scope));
          break;
      }
    }
  }

  #task(scope: Scope): void {
    const task = this.#shadow.scopes.get(scope)?.state as TaskState;
    this.#row(task);
    this.#timers(task);
    this.#cause(task);
    this.#orphans(task);
    for (const { queue, call, granted } of callsOf(task)) this.#wanted(task, queue, call, granted);
    if (task.spec?.sessionId !== undefined) this.#turns(task.spec.userId, task.spec.sessionId);
    if (task.spec?.lane !== undefined) this.#lanes(task.spec.userId);
  }

  /** The list row says where the task stands, and recovery finds every task that had a worker. */
  #row(task: TaskState): void {
    const row = this.#shadow.rows.get(task.id);
    const say = (): string =>
      `${task.id} is ${task.status} (${task.phase}), its row says ${row?.status ?? "nothing"}`;
    must(row !== undefined, "every task has a row", say);
    must(
      isEnd(row.status) === isEnd(task.status) &&
        (!isEnd(task.status) || row.status === task.status),
      "a row knows the end",
      say,
    );
    if (task.phase === "active" && task.status === "running") {
      const found =
        row.status === "running" ||
        task.lease !== null ||
        callsOf(task).some(({ granted }) => granted);
      must(found, "recovery finds what runs", say);
    }
    if (task.phase === "queued" || task.phase === "held")
      must(row.status === "queued", "a row knows what is queued", say);
    if (task.phase === "delayed")
      must(row.status === "delayed", "a row knows what is delayed", say);
  }

  /** Every wait has its timer, and no timer is left behind. */
  #timers(task: TaskState): void {
    const timers = this.#shadow.timers.get(taskScope(task.id));
    const allowed = new Set<string>();
    const needed = new Set<string>();
    if (task.phase !== "ended") {
      if (task.phase === "delayed") needed.add("due");
      if (task.spec?.deadlineMs !== undefined) needed.add("deadline");
      if (task.spec?.ttlMs !== undefined && task.attempt === 0) allowed.add("ttl");
      for (const [op, operation] of task.operations) {
        if (operation.kind === "sleep" && !operation.done) needed.add(`op:${op}`);
        if (operation.kind === "wait" && !operation.done && operation.untilMs !== null)
          needed.add(`op:${op}`);
        if (operation.kind === "call" && operation.state === "backoff") needed.add(`op:${op}`);
      }
    }
    for (const name of needed)
      must(
        timers?.has(name) === true,
        "a wait has its timer",
        () => `${task.id} lacks timer ${name}`,
      );
    for (const name of timers?.keys() ?? []) {
      must(
        needed.has(name) || allowed.has(name),
        "no timer is left behind",
        () => `${task.id}, ${task.status}, has timer ${name}`,
      );
    }
  }

  /** An attempt that waits, waits for something that will come. */
  #cause(task: TaskState): void {
    if (task.phase !== "active" || task.status === "running") return;
    let cause = task.awaited.size > 0;
    for (const operation of task.operations.values()) {
      if (operation.kind === "sleep" || operation.kind === "wait") cause ||= !operation.done;
      if (operation.kind === "call")
        cause ||= operation.state === "pending" || operation.state === "backoff";
    }
    must(
      cause,
      "what waits has a reason",
      () => `${task.id} is ${task.status} for ${JSON.stringify(task.reason)}, but nothing is open`,
    );
  }

  /** Children end with their parent, unless their owner opened them again later. */
  #orphans(task: TaskState): void {
    const parent =
      task.spec?.parentId === undefined ? undefined : this.#shadow.task(task.spec.parentId);
    if (parent?.phase === "ended" && task.phase !== "ended") {
      must(
        (this.#shadow.lives.get(task.id)?.reopened ?? 0) > 0,
        "children end with their parent",
        () => `${task.id} is ${task.status}, its parent ${parent.id} is ${parent.status}`,
      );
    }
    if (task.phase !== "ended") return;
    for (const operation of task.operations.values()) {
      if (operation.kind !== "child") continue;
      const child = this.#shadow.task(operation.child);
      const open =
        child !== undefined &&
        child.phase !== "ended" &&
        (this.#shadow.lives.get(child.id)?.reopened ?? 0) === 0;
      must(
        !open,
        "children end with their parent",
        () =>
          `${task.id} is ${task.status}, its child ${operation.child} is ${child?.status ?? "unknown"}`,
      );
    }
  }

  /** With the queue at home, a call that waits is in its line and one that runs has its slot, at every commit. */
  #wanted(task: TaskState, queue: string, call: string, granted: boolean): void {
    if (this.#plan.remoteQueues) return;
    const known = granted
      ? this.#shadow.queue(queue)?.schedule.leases.has(call)
      : this.#shadow.ready.get(queue)?.has(call);
    must(
      known === true,
      granted ? "what runs has a slot" : "what waits for a slot is in its queue",
      () => `call ${call} of ${task.id} (${task.phase}) in queue ${queue}`,
    );
  }

  #queue(name: string): void {
    const state = this.#shadow.queue(name);
    if (state === undefined) return;
    const { schedule } = state;
    const { leases, settings } = schedule;
    const rows = this.#shadow.ready.get(name);
    const pending = pendingCount(schedule);
    must(
      (rows?.size ?? 0) === pending,
      "ready rows are the pending calls",
      () => `queue ${name} has ${rows?.size ?? 0} rows for ${pending} pending calls`,
    );
    for (const call of rows?.keys() ?? [])
      must(
        !leases.has(call),
        "a call waits or runs",
        () => `call ${call} of queue ${name} does both`,
      );
    this.#caps(name, leases.values());
    if (this.#plan.remoteQueues) return;
    for (const lease of leases.values()) this.#used(name, lease);
    if (pending === 0 || schedule.paused) return;
    const { opening } = schedule;
    const closed = closedBy(opening, this.#nowMs());
    const slots = isProbing(opening) ? 1 : settings.slots;
    if (closed !== null && leases.size < slots) this.#opens(name, closed.untilMs);
    else if (leases.size < slots) this.#idleSlot(name);
  }

  /** A queue that rests with calls in it wakes up by itself. */
  #opens(name: string, untilMs: number): void {
    const timer = this.#shadow.timers.get(queueScope(name))?.get("open");
    must(
      timer !== undefined && timer <= Math.ceil(untilMs),
      "a queue that rests wakes up in time",
      () => `queue ${name} rests until ${untilMs}, its timer is at ${timer ?? "never"}`,
    );
  }

  #caps(name: string, leases: Iterable<Lease>): void {
    const running = new Map<string, number>();
    for (const { taskType, task, capped } of leases) {
      const cap = this.#shadow.task(task)?.spec?.capTotal;
      if (!capped || cap === undefined) continue;
      const count = (running.get(taskType) ?? 0) + 1;
      running.set(taskType, count);
      must(
        count <= cap,
        "a cap of a task type holds",
        () => `queue ${name} runs ${count} of type ${taskType}, capped at ${cap}`,
      );
    }
  }

  /** No slot is held by a task that waits: an open task wants every slot it has. */
  #used(name: string, { call, task: id }: Lease): void {
    const task = this.#shadow.task(id);
    if (task === undefined || task.phase === "ended") return;
    const wanted = callsOf(task).find((open) => open.call === call && open.queue === name);
    // A slot of the life before is settled by its worker, who is still letting go of it.
    if (wanted === undefined && (this.#shadow.lives.get(id)?.reopened ?? 0) > 0) return;
    must(
      wanted?.granted === true,
      "no slot is held by a task that waits",
      () => `${id} is ${task.status} (${task.phase}) and holds call ${call} of queue ${name}`,
    );
    if (call === task.lease)
      must(
        task.status === "running",
        "no slot is held by a task that waits",
        () => `${id} is ${task.status} with its start slot`,
      );
  }

  /** A slot is free while calls wait: then each of them must be held back by a cap. */
  #idleSlot(name: string): void {
    for (const [call, request] of this.#shadow.ready.get(name) ?? []) {
      const capped = request.capTotal !== null || request.capPerKey !== null;
      must(
        capped,
        "no slot is idle while a call waits for it",
        () => `call ${call} waits in queue ${name}`,
      );
    }
  }

  #session(scope: Scope): void {
    const name = scopeName(scope);
    const slash = name.indexOf("/");
    this.#turns(name.slice(0, slash), name.slice(slash + 1));
  }

  /** One turn at a time, in order: the first is let go, the others are held. */
  #turns(userId: string, chatId: string): void {
    const session = this.#shadow.session(userId, chatId);
    for (const [index, { taskId }] of (session?.turns ?? []).entries()) {
      const task = this.#shadow.task(taskId);
      const say = (): string =>
        `turn ${index} of ${userId}/${chatId}, ${taskId}, is ${task?.phase ?? "unknown"}`;
      must(task !== undefined, "a turn has a task", say);
      if (index === 0)
        must(task.phase !== "held" && task.phase !== "ended", "the first turn goes on", say);
      else
        must(
          task.phase === "held" || task.phase === "delayed",
          "session turns run one at a time",
          say,
        );
    }
  }

  #laneStarts(userId: string, { lane = "" }: { lane?: string }): void {
    const current = this.#shadow.user(userId)?.lanes.get(lane)?.current ?? null;
    must(
      current === null,
      "a lane runs one task at a time",
      () => `lane ${lane} of ${userId} starts one beside ${current ?? ""}`,
    );
  }

  /** A lane runs one task at a time; those behind it are held. */
  #lanes(userId: string): void {
    for (const [name, lane] of this.#shadow.user(userId)?.lanes ?? []) {
      for (const id of lane.waiting) {
        const phase = this.#shadow.task(id)?.phase;
        must(
          phase === "held" || phase === "delayed",
          "a lane runs one task at a time",
          () => `${id} waits in lane ${name} of ${userId} and is ${phase ?? "unknown"}`,
        );
      }
      if (lane.current === null) continue;
      const phase = this.#shadow.task(lane.current)?.phase;
      const open = phase !== undefined && phase !== "held" && phase !== "ended";
      must(
        open,
        "a lane's task goes on",
        () => `${lane.current ?? ""} of lane ${name} of ${userId} is ${phase ?? "unknown"}`,
      );
    }
  }
}

/** Calls a task has open: its start call and its model calls, waiting or granted. */
export function callsOf(
  task: TaskState,
): { readonly queue: string; readonly call: string; readonly granted: boolean }[] {
  const calls: { queue: string; call: string; granted: boolean }[] = [];
  if (task.phase === "ended") return calls;
  if (task.lease !== null)
    calls.push({
      queue: task.spec?.queue ?? "",
      call: task.lease,
      granted: task.phase === "active",
    });
  for (const operation of task.operations.values()) {
    if (operation.kind !== "call" || !isOpen(operation)) continue;
    calls.push({
      queue: operation.queue,
      call: operation.call,
      granted: operation.state === "granted",
    });
  }
  return calls;
}

function isOpen(operation: CallOperation): boolean {
  return operation.state === "pending" || operation.state === "granted";
}
