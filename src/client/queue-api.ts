import { decodeAlerts, decodeQueue, decodeQueues } from "./decode.ts";
import type { Http } from "./http.ts";
import type { Alert, QueueChange, QueueStatus } from "./wire.ts";

/** Queues: their load, and for who runs the server their limits. Every call throws `RequestFailed`. */
export interface QueueApi {
  list(signal?: AbortSignal): Promise<readonly QueueStatus[]>;
  /** The admin's: what is wrong now, then what was lately. */
  alerts(signal?: AbortSignal): Promise<readonly Alert[]>;
  /** Grants nothing new; what runs goes on. Durable, as are all changes. */
  pause(name: string): Promise<QueueStatus>;
  resume(name: string): Promise<QueueStatus>;
  /** Changes slots and limits while it runs; what is not named stays. */
  change(name: string, change: QueueChange): Promise<QueueStatus>;
}

/** Builds the queue calls on a caller. */
export function createQueueApi(http: Http): QueueApi {
  const act = (name: string, verb: string, body?: unknown): Promise<QueueStatus> =>
    http.json(`/api/queues/${encodeURIComponent(name)}/${verb}`, (value) => decodeQueue(value), {
      method: "POST",
      body,
    });
  return {
    list: (signal) => http.json("/api/queues", decodeQueues, { signal }),
    alerts: (signal) => http.json("/api/alerts", decodeAlerts, { signal }),
    pause: (name) => act(name, "pause"),
    resume: (name) => act(name, "resume"),
    change: (name, change) => act(name, "settings", change),
  };
}
