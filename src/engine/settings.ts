import type { Priority, QueueSettings } from "../core/queue/protocol.ts";
import type { Calendar } from "../ports/calendar.ts";
import type { Cipher } from "../ports/cipher.ts";
import type { Clock, Log, Random, Turn, Waker } from "../ports/host.ts";
import type { SyncStore } from "../ports/store.ts";
import type { LanguageModelFactory, SpawnOptions } from "./context.ts";
import type { AnyTaskType } from "./define.ts";
import type { Endpoint, RoleTarget } from "./endpoints.ts";
import type { Homes } from "./homes.ts";
import type { RunHandler } from "./runner.ts";

/** What a host gives the engine. */
export interface EnginePorts {
  readonly store: SyncStore;
  readonly cipher: Cipher;
  readonly clock: Clock;
  readonly random: Random;
  readonly turn: Turn;
  readonly log: Log;
  /** Makes the waker; `wake` is to be called at or after the armed time. */
  readonly waker: (wake: () => void) => Waker;
  readonly languageModel?: LanguageModelFactory;
  /** Absent: there are no schedules. */
  readonly calendar?: Calendar;
  /** Runs handlers of task types with `isolate`. */
  readonly isolated?: RunHandler;
  /** The other homes, for an engine that has one of many. Absent: every scope lives here. */
  readonly homes?: Homes;
  /** Called when storage has failed in a way that must end the process. */
  readonly fatal: (error: unknown) => void;
  sha256(text: string): Promise<string>;
}

/** What the engine runs. */
export interface EngineSettings {
  readonly tasks: readonly AnyTaskType[];
  readonly endpoints?: readonly Endpoint[];
  readonly roles?: Readonly<Record<string, RoleTarget>>;
  /** Slots of worker pools by name; others have {@link poolSlotsDefault}. */
  readonly queues?: Readonly<Record<string, Partial<QueueSettings>>>;
  /** Weight of a user or fairness key against others, 0.01..100; others have 1, and a submit may name another. */
  readonly weights?: Readonly<Record<string, number>>;
  readonly retentionMs?: number;
  /** False: the host calls {@link Engine.purge} in its own time, and no timer of the engine keeps it awake. */
  readonly purgesItself?: boolean;
  readonly cacheBytesMax?: number;
  /** Calls that may wait in one queue before submits are refused with `queue_full`. Default 2,000,000. */
  readonly pendingMax?: number;
  /** Calls that one user or fairness key may have waiting in one queue before `queue_full`. Default 1,000,000. */
  readonly pendingPerKeyMax?: number;
}

/** Slots of a worker pool that is not configured: starts are cheap, and a task that waits holds none. */
export const poolSlotsDefault = 64;

/** How to submit a task. Durations are milliseconds. */
export interface SubmitOptions extends SpawnOptions {
  /** Whose task it is. Default "local", the user of a server without keys. */
  readonly userId?: string;
  readonly sessionId?: string;
  readonly idempotencyKey?: string;
  readonly fairnessKey?: string;
  readonly weight?: number;
  readonly idleTimeoutMs?: number;
  readonly priority?: Priority;
  readonly requestId?: string;
  readonly actionId?: string;
  readonly traceparent?: string;
}
