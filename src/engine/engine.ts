import { Approvals } from "./approvals.ts";
import { asTask, asTaskEvents } from "./erased-types.ts";
import { ErrandError } from "../core/errors.ts";
import { canonicalJson } from "../core/json.ts";
import { pendingMax, pendingPerKeyMax, retentionMsDefault } from "../core/limits.ts";
import type { Priority, QueueSettings } from "../core/queue/protocol.ts";
import { queueScope, taskScope } from "../core/scope.ts";
import type { TaskCommand } from "../core/task/commands.ts";
import type { TaskEvent } from "../core/task/events.ts";
import type { TaskSpec } from "../core/task/spec.ts";
import type { TaskState } from "../core/task/state.ts";
import { admit } from "./admission.ts";
import { deciders } from "./deciders.ts";
import { endpointQueue, endpointQueues, Roles } from "./endpoints.ts";
import { EndWaiters, type TaskEnd } from "./end-waiters.ts";
import { Breath } from "./feed/breath.ts";
import { TaskFeeds } from "./feed/task-feed.ts";
import { UserFeeds } from "./feed/user-feed.ts";
import { firstCallOf } from "./first-call.ts";
import type { CommandKey } from "./kernel/group.ts";
import type { Meta } from "./kernel/frame.ts";
import { kernelHomes } from "./homes.ts";
import { Kernel } from "./kernel/kernel.ts";
import { Lanes } from "./lanes.ts";
import { Portable } from "./portable.ts";
import { Reader } from "./reader.ts";
import { keepTextOfTurns } from "./kept-text.ts";
import { Register } from "./register.ts";
import { recover, type Recovered } from "./recovery.ts";
import { Reminders } from "./reminders.ts";
import { Retention } from "./retention.ts";
import { Schedules } from "./schedules.ts";
import { Runner } from "./runner.ts";
import { Sessions } from "./sessions.ts";
import {
  poolSlotsDefault,
  type EnginePorts,
  type EngineSettings,
  type SubmitOptions,
} from "./settings.ts";
import { TaskTypes } from "./submit.ts";
import { Todos } from "./todos.ts";

/** What a submit answers. */
export interface Submitted {
  readonly taskId: string;
  /** True if an earlier submit had the same key: the task is that one's. */
  readonly replayed: boolean;
}

/** Idempotency keys are kept at least this long (G4). A key outlives its task's retention by nothing: both go together. */
const keyRetentionMs = 86_400_000;

/** How long a stop waits for handlers that work. */
const drainGraceMsDefault = 10_000;

/**
 * Errand in one process: submits, runs, recovers and tells. Hosts give it ports and doors speak to it; all state is
 * in the store. Every method that changes something resolves when the change is durable.
 */
export class Engine {
  readonly kernel: Kernel;
  readonly roles: Roles = new Roles();
  readonly types: TaskTypes;
  readonly feeds: TaskFeeds;
  readonly userFeeds: UserFeeds;
  readonly sessions: Sessions;
  readonly lanes: Lanes;
  readonly todos: Todos;
  readonly schedules: Schedules;
  readonly reminders: Reminders;
  readonly approvals: Approvals;
  readonly portable: Portable;
  readonly reader: Reader;
  readonly register: Register;
  readonly #ports: EnginePorts;
  readonly #settings: EngineSettings;
  readonly #runner: Runner;
  readonly #ends: EndWaiters;
  readonly #retention: Retention;

  constructor(ports: EnginePorts, settings: EngineSettings) {
    this.#ports = ports;
    this.#settings = settings;
    this.types = new TaskTypes(settings.tasks, settings.weights);
    for (const endpoint of settings.endpoints ?? []) this.roles.addEndpoint(endpoint);
    for (const [role, target] of Object.entries(settings.roles ?? {}))
      this.roles.assign(role, target);
    const { store, cipher, clock, random, turn, log, fatal } = ports;
    const waker = ports.waker(() => {
      this.kernel.wake().catch((error: unknown) => log.error("timers could not be read", error));
    });
    const cacheBytesMax =
      settings.cacheBytesMax === undefined ? {} : { cacheBytesMax: settings.cacheBytesMax };
    this.kernel = new Kernel(
      { store, cipher, clock, random, turn, log, fatal, waker, ...kernelHomes(ports.homes) },
      deciders,
      cacheBytesMax,
    );
    const breath = new Breath(ports.clock, ports.turn);
    this.feeds = new TaskFeeds({ kernel: this.kernel, breath }, ports.homes);
    this.userFeeds = new UserFeeds(this.kernel);
    this.#ends = new EndWaiters(this.kernel);
    keepTextOfTurns(this.kernel, log);
    this.#runner = new Runner({
      kernel: this.kernel,
      log,
      isolated: ports.isolated,
      task: (type) => this.types.find(type),
      context: {
        roles: this.roles,
        languageModel: ports.languageModel,
        sha256: (text) => ports.sha256(text),
        nowMs: () => clock.nowMs(),
        childSpec: (parent, type, input, options) =>
          this.types.childSpec(parent, type, input, options),
      },
    });
    this.kernel.listen({ signal: (signal) => this.#runner.signal(signal) });
    this.reader = new Reader(this.kernel, { ...ports, types: this.types });
    this.register = new Register(this.kernel, store, clock);
    this.sessions = new Sessions(this);
    this.lanes = new Lanes(this);
    this.todos = new Todos(this);
    this.schedules = new Schedules(this, {
      calendar: ports.calendar,
      log,
      nowMs: () => clock.nowMs(),
    });
    this.approvals = new Approvals(this);
    this.portable = new Portable(this, ports);
    this.reminders = new Reminders(this, {
      calendar: ports.calendar,
      log,
      nowMs: () => clock.nowMs(),
    });
    this.#retention = new Retention(ports, this.retentionMs);
  }

  /** The host's clock, for who shows ages. */
  nowMs(): number {
    return this.#ports.clock.nowMs();
  }

  /** Ended tasks are removed when they have been over for so long. */
  get retentionMs(): number {
    return this.#settings.retentionMs ?? retentionMsDefault;
  }

  /** Live handlers of this process, for metrics. */
  get segments(): number {
    return this.#runner.size;
  }

  /** True while a handler works, so that this process is needed: one that only waits is replayed when it goes on. */
  get isWorking(): boolean {
    return this.#runner.isWorking;
  }

  /** Opens the store for work: configures queues, recovers what an earlier process left, arms timers. */
  async start(): Promise<Recovered> {
    const { store, log, cipher, homes } = this.#ports;
    await cipher.prepare([""]);
    // Before a queue is changed: a change may grant calls, and those leases are not void.
    const recovered = await recover(this.kernel, store, log, homes);
    const pools = new Set([
      "tasks",
      ...this.#settings.tasks.map((task) => task.options.queue ?? "tasks"),
    ]);
    const wanted = new Map<string, Partial<QueueSettings>>();
    for (const name of pools)
      wanted.set(name, { slots: poolSlotsDefault, ...this.#settings.queues?.[name] });
    // A device has slots of its own where the configuration names them.
    for (const [queue, found] of endpointQueues(this.roles.endpoints))
      wanted.set(queue, { ...found, ...this.#settings.queues?.[queue] });
    const here = [...wanted].filter(([name]) => homes?.isLocal(queueScope(name)) ?? true);
    await Promise.all(here.map(([name, settings]) => this.configureQueue(name, settings)));
    await this.kernel.start();
    if (this.#settings.purgesItself !== false) this.#retention.start();
    return recovered;
  }

  /** Sets slots of a queue, durably. */
  async configureQueue(name: string, settings: Partial<QueueSettings>): Promise<void> {
    await this.kernel.ask(queueScope(name), {
      type: "configure",
      settings: { slots: 1, slotsPerKey: null, ...settings },
    });
  }

  /**
   * Changes slots and limits of a queue while it runs; what is not named stays. Durable, and kept over restarts until
   * the host's own configuration of the queue changes (SPEC QUEUE21). `not_found`, `invalid_request`.
   */
  async changeQueue(name: string, change: Partial<QueueSettings>): Promise<void> {
    const settings = { ...(await this.reader.queueSettings(name)), ...change };
    await this.kernel.ask(queueScope(name), { type: "configure", settings, live: true });
  }

  /** Promotes or demotes a task, with what it has waiting. `conflict` if it has ended. */
  async prioritize(taskId: string, priority: Priority): Promise<void> {
    await this.command(taskId, { type: "prioritize", priority });
  }

  /** Pauses a queue: what runs goes on, nothing new is granted. */
  async pauseQueue(name: string, paused: boolean): Promise<void> {
    await this.kernel.ask(queueScope(name), { type: "pause", paused });
  }

  /**
   * Accepts a task. Resolves when it is on disk: from then on it survives a crash at any instant (SPEC TASK1).
   * Errors: `unknown_type`, `invalid_request`, `too_large`, `idempotency_mismatch`, `storage_full`, `unavailable`.
   */
  submit(type: string, input: unknown, options: SubmitOptions = {}): Promise<Submitted> {
    return this.#submit(this.kernel.id("task"), type, input, options);
  }

  /**
   * Submits and waits for the end. In this process only; a client elsewhere follows the task. Rejects with
   * `unavailable` if the process stops before: the task goes on in the next one.
   */
  async run(type: string, input: unknown, options: SubmitOptions = {}): Promise<TaskEnd> {
    const taskId = this.kernel.id("task");
    const end = this.#ends.expect(taskId);
    try {
      const submitted = await this.#submit(taskId, type, input, options);
      return submitted.replayed ? await this.#ends.of(submitted.taskId) : await end.ended;
    } finally {
      end.forget();
    }
  }

  /** Waits for a task's end. Rejects with `unavailable` if the process stops before. */
  ended(taskId: string): Promise<TaskEnd> {
    return this.#ends.of(taskId);
  }

  /** Cancels a task: final when this resolves, also through a crash. Throws `conflict` if it has another end. */
  async cancel(taskId: string, reason?: string): Promise<void> {
    await this.command(taskId, { type: "cancel", ...(reason === undefined ? {} : { reason }) });
  }

  /** Tries a failed, cancelled or expired task again: same task, next attempt. A turn goes through its session. */
  async retry(taskId: string): Promise<void> {
    const spec = await this.kernel.read(taskScope(taskId), (state) => asTask(state).spec);
    if (spec?.sessionId !== undefined && spec.messageId !== undefined) {
      await this.sessions.retryTurn(spec.userId, spec.sessionId, taskId);
    } else {
      await this.command(taskId, { type: "retry" });
    }
  }

  /** A new task with the same type, input and options. */
  async rerun(taskId: string, options: SubmitOptions = {}): Promise<Submitted> {
    const spec = await this.kernel.read(taskScope(taskId), (state) => asTask(state).spec);
    if (spec === null) throw new ErrandError("not_found", `there is no task ${taskId}`);
    return await this.submit(spec.type, spec.input, {
      userId: spec.userId,
      priority: spec.priority,
      ...(spec.key === undefined ? {} : { fairnessKey: spec.key }),
      ...(spec.weight === undefined ? {} : { weight: spec.weight }),
      ...options,
    });
  }

  /** Lets a held task go. */
  async release(taskId: string): Promise<void> {
    await this.command(taskId, { type: "release" });
  }

  /** Sends an event to a task; it is kept if nothing waits for it yet. */
  async sendEvent(taskId: string, name: string, payload: unknown): Promise<void> {
    await this.command(taskId, { type: "event", name, payload });
  }

  /**
   * Lets a task that waits go on here, because somebody outside has something for its handler, which is replayed unless
   * it lives. A task that waits for a start, or has ended, is left as it is.
   */
  revive(taskId: string): void {
    this.#runner.revive(taskId);
  }

  /** Gives a task a command; a refusal is thrown. */
  async command(taskId: string, command: TaskCommand, meta?: Meta): Promise<unknown> {
    await this.#ports.homes?.find(taskId);
    return await this.kernel.ask(taskScope(taskId), command, meta === undefined ? {} : { meta });
  }

  /** Tells of every commit of a task: its new facts and the state after them. Answers how to stop. */
  watchTasks(watch: (facts: readonly TaskEvent[], state: TaskState) => void): () => void {
    return this.kernel.listen({
      committed: ({ scope, events, state }) => {
        if (scope.startsWith("task/")) watch(asTaskEvents(events), asTask(state));
      },
    });
  }

  /** State of a task as it is stored. Must not be kept or changed. */
  async taskState(taskId: string): Promise<TaskState> {
    return await this.kernel.read(taskScope(taskId), (state) => asTask(state));
  }

  /** An idempotency key as the kernel takes it: the body is kept as an HMAC only. */
  async keyFor(userId: string, key: string, body: unknown, ref: string): Promise<CommandKey> {
    await this.#ports.cipher.prepare([userId]);
    const hash = this.#ports.cipher.mac(userId, canonicalJson(body));
    const expiresAtMs =
      this.#ports.clock.nowMs() +
      Math.max(keyRetentionMs, this.#settings.retentionMs ?? retentionMsDefault);
    return { userId, key, hash, ref, expiresAtMs };
  }

  /** Removes an ended task at its owner's wish, with its log and streams; false if there is none that has ended. */
  remove(taskId: string): boolean {
    return this.#ports.store.remove(taskId);
  }

  /** Removes one page of what has been over for longer than the retention; answers how many tasks went. */
  purge(): number {
    return this.#retention.purge();
  }

  /** Finishes or hands back what runs, writes what was accepted, and closes the store. */
  async stop(drainGraceMs: number = drainGraceMsDefault): Promise<void> {
    this.#retention.stop();
    await this.#runner.drain(drainGraceMs);
    await this.kernel.stop();
    this.#ends.stop();
    this.#ports.store.close();
  }

  /** Refuses a submit before anything is accepted: what is accepted is never lost (G16). */
  #admit(spec: TaskSpec): void {
    admit(this.kernel, spec, {
      pendingMax: this.#settings.pendingMax ?? pendingMax,
      pendingPerKeyMax: this.#settings.pendingPerKeyMax ?? pendingPerKeyMax,
      endpoints: [...new Set(this.roles.endpoints.map(endpointQueue))],
      nowMs: this.nowMs(),
    });
  }

  #isKnown(userId: string, key: string): boolean {
    const [row] = this.#ports.store.keys([{ userId, key }], this.nowMs());
    return row !== undefined && row !== null;
  }

  async #submit(
    taskId: string,
    type: string,
    input: unknown,
    options: SubmitOptions,
  ): Promise<Submitted> {
    const task = this.types.get(type);
    const spec = this.types.spec(task, taskId, input, options);
    const { requestId, actionId, traceparent, idempotencyKey } = options;
    const key = idempotencyKey ?? actionId;
    try {
      this.#admit(spec);
    } catch (refusal) {
      // What was accepted before is answered, however full its queue is by now.
      if (key === undefined || !this.#isKnown(spec.userId, key)) throw refusal;
    }
    const meta: Meta = {
      ...(requestId === undefined ? {} : { requestId }),
      ...(actionId === undefined ? {} : { actionId }),
      ...(traceparent === undefined ? {} : { traceparent }),
    };
    // What names this very try is not the wish: its id and its trace differ when the same submit is sent again.
    const wish = { ...spec, rootId: "", traceparent: undefined, weight: options.weight };
    const keyed =
      key === undefined ? {} : { key: await this.keyFor(spec.userId, key, wish, taskId) };
    const sha256 = (text: string): Promise<string> => this.#ports.sha256(text);
    const firstCall = task.options.firstCall && (await firstCallOf(task, spec.input, this, sha256));
    const { reply, replayed } = await this.kernel.dispatch(
      taskScope(taskId),
      { type: "submit", spec: firstCall === undefined ? spec : { ...spec, firstCall } },
      { meta, ...keyed, isNew: true },
    );
    if (!reply.ok)
      throw new ErrandError(reply.error.code, reply.error.message, {
        retryAfterMs: reply.error.retryAfterMs,
      });
    return { taskId: replayed ? refOf(reply.value) : taskId, replayed };
  }
}

function refOf(value: unknown): string {
  if (
    typeof value === "object" &&
    value !== null &&
    "ref" in value &&
    typeof value.ref === "string"
  )
    return value.ref;
  throw new ErrandError("internal", "a repeated submit has no reference");
}
