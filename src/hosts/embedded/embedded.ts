import { createHash } from "node:crypto";

import { createAesCipher } from "../../adapters/aes-cipher/aes-cipher.ts";
import { plainCipher } from "../../adapters/aes-cipher/plain-cipher.ts";
import { cronCalendar } from "../../adapters/croner/calendar.ts";
import { languageModel } from "../../adapters/ai-sdk/language-model.ts";
import { systemClock } from "../../adapters/node/clock.ts";
import { loadStoreKey } from "../../adapters/node/key-file.ts";
import { createLog } from "../../adapters/node/log.ts";
import { createSystemRandom } from "../../adapters/node/random.ts";
import { nextTurn } from "../../adapters/node/turn.ts";
import { createTimeoutWaker } from "../../adapters/node/waker.ts";
import { sendWebhook } from "../../adapters/node/webhook-sender.ts";
import { databaseName, openNodeStore } from "../../adapters/node-sqlite/node-store.ts";
import {
  endpointQueue,
  Engine,
  ErrandError,
  FatalError,
  type EngineSettings,
  type LanguageModelFactory,
} from "../../engine/index.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { Log } from "../../ports/host.ts";
import type { SyncStore } from "../../ports/store.ts";
import {
  alertTask,
  AlertWatch,
  builtInTasks,
  engineDesk,
  forgetReceiver,
  watchWebhooks,
  webhookTask,
  type DeliverWebhook,
} from "../../tasks/index.ts";
import type { HostSettings } from "./config.ts";
import { runIsolated } from "./isolate.ts";
import { ModelWatch } from "./model-watch.ts";

/** Errand in this process. */
export interface Embedded {
  readonly engine: Engine;
  readonly models: ModelWatch;
  /** `null`: alerts are turned off. */
  readonly alerts: AlertWatch | null;
  readonly log: Log;
  /** Finishes or hands back what runs, and closes the data folder. */
  stop(drainGraceMs?: number): Promise<void>;
}

/** What an embedding program may choose besides the settings. */
export interface EmbeddedOptions {
  readonly log?: Log;
  /** Replaces AES-256-GCM; for benchmarks only. */
  readonly cipher?: "aes" | "none";
  /** Called when the disk fails in a way that must end the process. Default: says so and exits with code 70. */
  readonly fatal?: (error: unknown) => void;
}

const sdkModel: LanguageModelFactory = (modelId, run) =>
  languageModel(({ model: _model, ...call }, options) => run(call, options), { modelId });

function cipherFor(store: SyncStore, settings: HostSettings, kind: "aes" | "none"): Cipher {
  if (kind === "none") return plainCipher;
  const { key, setting } = loadStoreKey({
    env: process.env,
    dataDir: settings.dataDir,
    databaseName,
  });
  return createAesCipher({ store, storeKey: key, keySetting: setting });
}

/**
 * Opens Errand over a data folder: one SQLite file, one process. Recovers what an earlier process left, looks for a
 * model, and runs. Throws `unavailable` if another process has the folder, or if its key is missing or wrong.
 */
export async function openEmbedded(
  settings: HostSettings,
  options: EmbeddedOptions = {},
): Promise<Embedded> {
  const log = options.log ?? createLog(systemClock);
  // The key is looked at before the database is made: a folder with a database and no key is refused.
  if (options.cipher !== "none")
    loadStoreKey({ env: process.env, dataDir: settings.dataDir, databaseName });
  const store = openNodeStore(settings.dataDir);
  try {
    return await openOver(store, settings, { cipher: "aes", ...options, log });
  } catch (error) {
    store.close();
    throw error;
  }
}

async function openOver(
  store: SyncStore,
  settings: HostSettings,
  options: EmbeddedOptions & { readonly log: Log; readonly cipher: "aes" | "none" },
): Promise<Embedded> {
  const { log } = options;
  const models = new ModelWatch(settings, log);
  const { config } = settings;
  const engineSettings: EngineSettings = {
    tasks: [
      ...builtInTasks(engineDesk(() => engine)),
      ...(settings.webhooks.length === 0
        ? []
        : [webhookTask(deliverTo(settings), (target) => forgetReceiver(engine, target))]),
      ...(settings.alerts === null ? [] : [alertTask]),
      ...(config.tasks ?? []),
    ],
    endpoints: models.configured(),
    ...(config.roles === undefined ? {} : { roles: config.roles }),
    ...(config.queues === undefined ? {} : { queues: config.queues }),
    ...(config.pendingPerKeyMax === undefined ? {} : { pendingPerKeyMax: config.pendingPerKeyMax }),
    ...(config.weights === undefined ? {} : { weights: config.weights }),
    ...(config.retentionMs === undefined ? {} : { retentionMs: config.retentionMs }),
  };
  const engine: Engine = new Engine(
    {
      store,
      cipher: cipherFor(store, settings, options.cipher),
      clock: systemClock,
      random: createSystemRandom(),
      turn: nextTurn,
      log,
      waker: (wake) => createTimeoutWaker(systemClock, wake),
      languageModel: sdkModel,
      calendar: cronCalendar,
      isolated: runIsolated,
      fatal: options.fatal ?? exitOn(log),
      sha256: (text) => Promise.resolve(createHash("sha256").update(text).digest("hex")),
    },
    engineSettings,
  );
  // What is found before the start has its queue configured by the start, after recovery; what is found during it
  // has to wait for it.
  let isStarting = false;
  const started = Promise.withResolvers<void>();
  await models.start(engine.roles, async (endpoint) => {
    if (!isStarting) return;
    await started.promise;
    await engine.configureQueue(endpointQueue(endpoint), { slots: endpoint.slots });
  });
  isStarting = true;
  await engine.start();
  started.resolve();
  const { alerts, stopWatching } = await watch(engine, settings, log);
  return {
    engine,
    models,
    alerts,
    log,
    async stop(drainGraceMs) {
      models.stop();
      stopWatching();
      await engine.stop(drainGraceMs);
    },
  };
}

/** Alerts and webhooks, from the first look on. */
async function watch(
  engine: Engine,
  settings: HostSettings,
  log: Log,
): Promise<{ readonly alerts: AlertWatch | null; readonly stopWatching: () => void }> {
  const alerts =
    settings.alerts === null ? null : new AlertWatch(engine, settings.alerts, alertFailed(log));
  await alerts?.recall();
  const targets = settings.webhooks.map(({ name }) => name);
  const stopWebhooks =
    targets.length === 0 ? null : await watchWebhooks(engine, targets, webhookFailed(log));
  alerts?.start();
  return {
    alerts,
    stopWatching() {
      alerts?.stop();
      stopWebhooks?.();
    },
  };
}

function deliverTo({ webhooks }: HostSettings): DeliverWebhook {
  return async (target, delivery) => {
    const webhook = webhooks.find(({ name }) => name === target);
    if (webhook !== undefined) return await sendWebhook(webhook, delivery);
    throw new FatalError(`no webhook is called "${target}" any more`);
  };
}

/** A look that came to nothing is followed by the next. */
function alertFailed(log: Log): (error: unknown) => void {
  return (error) => log.error("a look for alerts failed", error);
}

/** An end whose event could not be submitted because the server stops is found by the next one. */
function webhookFailed(log: Log): (error: unknown) => void {
  return (error) => {
    if (error instanceof ErrandError && error.code === "unavailable") return;
    log.error("a webhook could not be submitted", error);
  };
}

/** Exit code of a process whose storage failed: what it holds in memory may not be what is on disk. */
const storageFailedCode = 70;

function exitOn(log: Log): (error: unknown) => void {
  return (error) => {
    log.error(
      "storage failed; the process ends so that recovery starts from what is on disk",
      error,
    );
    process.exit(storageFailedCode);
  };
}
