/* oxlint-disable typescript/no-unsafe-type-assertion -- What another object answers to a call is what this program, or
   an older one that it can read, gives there; the call names it. */
import { createHash } from "node:crypto";

import { createAesCipher } from "../../adapters/aes-cipher/aes-cipher.ts";
import { cronCalendar } from "../../adapters/croner/calendar.ts";
import { createDurableObjectDriver } from "../../adapters/durable-object/durable-object-driver.ts";
import { systemClock } from "../../adapters/node/clock.ts";
import { createLog } from "../../adapters/node/log.ts";
import { createSystemRandom } from "../../adapters/node/random.ts";
import type { Driver } from "../../adapters/sqlite/driver.ts";
import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { ErrandError } from "../../core/errors.ts";
import { retentionMsDefault } from "../../core/limits.ts";
import { scopeName, taskScope, type Scope } from "../../core/scope.ts";
import {
  Engine,
  endpointQueue,
  type AnyTaskType,
  type Endpoint,
  type Homes,
  type RoleTarget,
} from "../../engine/index.ts";
import type { Log, Turn } from "../../ports/host.ts";
import type { SyncStore } from "../../ports/store.ts";
import { builtInTasks, engineDesk } from "../../tasks/index.ts";
import { Alarm } from "./alarm.ts";
import { HomeCourier } from "./courier.ts";
import { FeedRelay } from "./feed-relay.ts";
import { askHome, type Delivered, type Mail } from "./home-call.ts";
import { EdgeModels } from "./models.ts";
import { followAway, type AwayFeedPorts } from "./away-feed.ts";
import { awayReader } from "./away-reader.ts";
import { readEdgeSettings, type EdgeEnv, type EdgeSettings } from "./settings.ts";
import { feedQuietMs } from "./told-feed.ts";
import { edgeTurn } from "./turn.ts";
import { asScope, Whereabouts } from "./whereabouts.ts";
import { flowTypes } from "./workflow/errand-workflow.ts";
import { FlowHost } from "./workflow/flow-host.ts";
import { Instances } from "./workflow/instances.ts";

/** What runs on every home besides the built-in tasks. */
export interface EdgeConfig {
  readonly tasks?: readonly AnyTaskType[];
  /** Endpoints besides the one of the environment, and which of them serve which roles. */
  readonly endpoints?: readonly Endpoint[];
  readonly roles?: Readonly<Record<string, RoleTarget>>;
  /** Slots of worker pools by name. */
  readonly queues?: Readonly<Record<string, { readonly slots: number }>>;
  /** Weights of users against each other. */
  readonly weights?: Readonly<Record<string, number>>;
  /** After how much quiet the feed of a task that another object follows is let go. Default {@link feedQuietMs}. */
  readonly feedQuietMs?: number;
  /** Names of `tasks` that `ErrandWorkflow.flows` of this deployment has as well: they may be run on Workflows. */
  readonly flows?: readonly string[];
  /** Task types that run on Workflows; absent: those of `ERRAND_WORKFLOWS`. */
  readonly workflows?: readonly string[];
  /** How often a task looks after its workflow at first, in milliseconds. Default 30,000. */
  readonly flowHeartbeatMs?: number;
}

/** One pool for all homes of this process. */
const random = createSystemRandom();

/** A day: how exactly the retention is kept in an object that sleeps. */
const purgeEveryMs = 86_400_000;

/** One home in its object: the same engine as on every host, over the object's own database. */
export class OpenedHome {
  readonly name: Scope;
  readonly env: EdgeEnv;
  readonly settings: EdgeSettings;
  readonly store: SyncStore;
  readonly driver: Driver;
  readonly engine: Engine;
  readonly places: Whereabouts;
  readonly courier: HomeCourier;
  readonly alarm: Alarm;
  readonly models: EdgeModels;
  readonly flows: FlowHost;
  readonly log: Log;
  /** After how much quiet a feed that another object follows is let go. */
  readonly feedQuietMs: number;
  /** Recovered, and its timers armed. */
  readonly ready: Promise<void>;
  readonly #turn: Turn;
  #relay: FeedRelay | null = null;
  /** When ended tasks are looked at next; `null`: there are none. */
  #purgeAtMs: number | null = null;

  constructor(name: Scope, state: DurableObjectState, env: EdgeEnv, config: EdgeConfig) {
    this.name = name;
    this.env = env;
    this.settings = readEdgeSettings(env);
    this.log = createLog(systemClock, (line) => console.log(line));
    this.feedQuietMs = config.feedQuietMs ?? feedQuietMs;
    this.#turn = edgeTurn(state.storage);
    this.driver = createDurableObjectDriver(state.storage);
    this.store = openSqliteStore(this.driver);
    this.places = new Whereabouts(name, this.driver, this.store);
    this.models = new EdgeModels(this.settings.model, env);
    this.courier = new HomeCourier(
      ({ to, body }) => this.places.homeOf(to, body),
      (home, mail) => this.#send(home, mail),
    );
    this.alarm = new Alarm(
      state.storage,
      {
        isWorking: () => this.engine.isWorking,
        isSending: () => this.courier.isBusy,
        purgeAtMs: () => this.#purgeAtMs,
      },
      this.log,
    );
    this.flows = new FlowHost({
      home: name,
      instances: new Instances(env.ORCHESTRATOR_WORKERS_WORKFLOW, this.log),
      engine: () => this.engine,
      heartbeatMs: config.flowHeartbeatMs,
    });
    this.engine = this.#newEngine(config, (error) => {
      this.log.error("storage failed; the object starts again from what is on disk", error);
      state.abort("storage failed");
    });
    // Called in the turn of the commit: what it began is stored together with the alarm that will see to it.
    this.engine.kernel.listen({
      signal: () => this.alarm.expectWork(),
      committed: () => this.alarm.look(),
    });
    if (this.#hasEnded()) this.#purgeAtMs = nextDayMs(Date.now());
    this.engine.watchTasks((_, { endedAtMs }) => {
      if (endedAtMs !== null) this.#purgeAtMs ??= nextDayMs(endedAtMs + retentionMsDefault);
    });
    this.flows.watch(this.engine);
    this.ready = this.#start();
  }

  async #start(): Promise<void> {
    await this.engine.start();
    this.alarm.look();
    // Something is open here, and who was told of it before this object slept may still want to be.
    const { listsAt } = this.places;
    if (listsAt !== null && this.#hasOpen())
      this.#send(listsAt, []).catch((error: unknown) =>
        this.log.error("it could not be asked who follows what happens here", error),
      );
  }

  #newEngine(config: EdgeConfig, fatal: (error: unknown) => void): Engine {
    const { store, settings, models, log } = this;
    const { storeKey, keySetting } = settings;
    const tasks = this.#tasks(config);
    const endpoints = [...models.endpoints, ...(config.endpoints ?? [])];
    return new Engine(
      {
        store,
        cipher: createAesCipher({ store, storeKey, keySetting }),
        clock: systemClock,
        random,
        turn: this.#turn,
        log,
        waker: () => this.alarm,
        calendar: cronCalendar,
        homes: this.#homes(tasks, endpoints),
        fatal,
        sha256: (text) => Promise.resolve(createHash("sha256").update(text).digest("hex")),
      },
      {
        tasks,
        endpoints,
        roles: { ...models.roles, ...config.roles },
        purgesItself: false,
        ...(config.queues === undefined ? {} : { queues: config.queues }),
        ...(config.weights === undefined ? {} : { weights: config.weights }),
      },
    );
  }

  /** All task types; those that the settings name run on Workflows. */
  #tasks({ tasks: own = [], flows = [], ...config }: EdgeConfig): readonly AnyTaskType[] {
    const workflows = config.workflows ?? this.settings.workflows;
    const offered = [...flowTypes, ...flows];
    const unknown = workflows.find((type) => !offered.includes(type));
    if (unknown !== undefined)
      throw new ErrandError(
        "unavailable",
        `ERRAND_WORKFLOWS names "${unknown}"; what can run on Workflows: ${offered.join(", ")}`,
      );
    const tasks = [...builtInTasks(engineDesk(() => this.engine)), ...own];
    return tasks.map((task) =>
      workflows.includes(task.type) ? this.flows.onWorkflows(task) : task,
    );
  }

  #homes(tasks: readonly AnyTaskType[], endpoints: readonly Endpoint[]): Homes {
    const { places, env, courier } = this;
    const pools = tasks.map(({ options }) => options.queue ?? "tasks");
    const models = endpoints.map(endpointQueue);
    return {
      queues: [...new Set(["tasks", ...pools, ...models])],
      courier,
      isLocal: (scope, body) => places.homeOf(scope, body) === places.home,
      listsAt: () => places.listsAt,
      find: (taskId) => this.#find(taskId),
      dispatch: async (scope, command, options) =>
        (await askHome(env.HOMES, places.homeOf(scope, command), {
          is: "command",
          scope,
          command,
          options,
        })) as Awaited<ReturnType<Homes["dispatch"]>>,
      reader: (scope) => awayReader(env.HOMES, places.homeOf(scope)),
      follow: (taskId, after, reader) => followAway(this.#feeds, taskId, after, reader),
    };
  }

  /** How tasks of other homes are followed. */
  get #feeds(): AwayFeedPorts {
    const { env, places, engine, log } = this;
    const { userId, listsAt } = places;
    return {
      log,
      async open(taskId, after) {
        const home = places.homeOf(taskScope(taskId));
        const call = { is: "follow", taskId, after } as const;
        const stream = (await askHome(env.HOMES, home, call)) as ReadableStream;
        // What happens there from now on is told here, also after the stream was let go.
        if (listsAt === null) await askHome(env.HOMES, home, { is: "listen" });
        return stream;
      },
      hints:
        listsAt !== null || userId === null
          ? null
          : (taskId, hint) =>
              engine.userFeeds.follow(userId, (events) => {
                for (const event of events)
                  if ("cursor" in event && event.taskId === taskId) hint(event.cursor);
              }),
    };
  }

  /** A session's object knows its own tasks; where others of its user live, the user's object knows. */
  async #find(taskId: string): Promise<void> {
    const { places } = this;
    if (places.listsAt === null || places.whereIs(taskId) !== null) return;
    const home = await askHome(this.env.HOMES, places.listsAt, { is: "where", taskId });
    if (typeof home === "string") places.note(taskId, asScope(home));
  }

  async #send(home: Scope, mail: readonly Mail[]): Promise<void> {
    const call = { is: "deliver", from: this.name, mail } as const;
    const answer = (await askHome(this.env.HOMES, home, call)) as Delivered;
    if (answer.listens && home === this.places.listsAt) this.listen();
  }

  /** Takes messages of another home: all of one call share a group where they can. */
  async receive(from: Scope, mail: readonly Mail[]): Promise<Delivered> {
    await Promise.all(
      mail.map(({ id, to, body }) => {
        this.places.heardFrom(id, from);
        return this.engine.kernel.take(to, body, { meta: { causationId: id } });
      }),
    );
    const { userId } = this.places;
    return { listens: userId !== null && this.engine.userFeeds.has(userId) };
  }

  /** Somebody follows everything of this session's user: the user's object is told what happens here. */
  listen(): void {
    const { listsAt, userId } = this.places;
    if (listsAt === null || userId === null) return;
    this.#relay ??= new FeedRelay(this.engine, userId, {
      log: this.log,
      tell: async (events) =>
        (await askHome(this.env.HOMES, listsAt, { is: "hear", events })) === true,
    });
    this.#relay.start(scopeName(this.name).slice(userId.length + 1));
  }

  /** Somebody follows everything of this user: the homes of sessions where something is open are asked to tell. */
  async askToTell(userId: string): Promise<void> {
    const open = this.store.tasks({ userId, statusClass: "active", limit: 1_000 });
    const homes = new Set(open.map(({ id }) => this.places.whereIs(id)));
    await Promise.all(
      [...homes].map(async (home) => {
        if (home !== null && home !== this.name)
          await askHome(this.env.HOMES, home, { is: "listen" });
      }),
    );
  }

  /** What the alarm is for: timers, messages that did not arrive, and ended tasks that are old enough to go. */
  async ring(): Promise<void> {
    await this.ready;
    await this.alarm.ring(async () => {
      await this.engine.kernel.wake();
      if (this.#purgeAtMs === null || Date.now() < this.#purgeAtMs) return;
      while (this.engine.purge() > 0);
      this.#purgeAtMs = this.#hasEnded() ? nextDayMs(Date.now()) : null;
    });
  }

  #hasOpen(): boolean {
    return this.store.tasks({ userId: null, statusClass: "active", limit: 1 }).length > 0;
  }

  #hasEnded(): boolean {
    return endedClasses.some(
      (statusClass) => this.store.tasks({ userId: null, statusClass, limit: 1 }).length > 0,
    );
  }
}

const endedClasses = ["completed", "failed"] as const;

/** Whole days: an alarm that moves with each task would cost a row each time. */
function nextDayMs(atMs: number): number {
  return (Math.floor(atMs / purgeEveryMs) + 1) * purgeEveryMs;
}
