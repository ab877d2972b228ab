/** A small life of everything that is stored: every fact of every scope, rows, streams, timers and keys. */
import { createAesCipher } from "../../src/adapters/aes-cipher/aes-cipher.ts";
import { waitingCalls, why } from "../../src/core/queue/views.ts";
import { saveQueue } from "../../src/core/queue/snapshot.ts";
import type { QueueState } from "../../src/core/queue/state.ts";
import { queueScope, scopeKind, sessionScope, taskScope, userScope } from "../../src/core/scope.ts";
import type { Scope } from "../../src/core/scope.ts";
import type { RunnerCommand } from "../../src/core/task/commands.ts";
import type { TaskSpec } from "../../src/core/task/spec.ts";
import type { TaskState } from "../../src/core/task/state.ts";
import { deciders } from "../../src/engine/deciders.ts";
import type { SyncStore } from "../../src/ports/store.ts";
import { KernelBench, quiet } from "../contracts/kernel-bench.ts";

void [waitingCalls, why, saveQueue, queueScope, sessionScope, userScope, quiet];
