import type { Engine } from "../engine/index.ts";
import type { Clock, Log } from "../ports/host.ts";
import type {
  AlertView,
  AuthSettings,
  ModelStatus,
  ServerLimits,
  ServerSettings,
} from "./settings.ts";
import type { Catalogue } from "./openai/catalogue.ts";
import type { FeedEncoder } from "./stream/feed-encoder.ts";
import type { PositionWatch } from "./stream/position-watch.ts";
import type { SocketKeeper } from "./socket/socket-keeper.ts";
import type { StreamKeeper } from "./stream/stream-keeper.ts";
import type { Metrics } from "./metrics/metrics.ts";

/** What operations work with: one for each server, while they themselves are one for all servers of a process. */
export interface ServerContext {
  readonly engine: Engine;
  readonly auth: AuthSettings | null;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly streams: StreamKeeper;
  readonly sockets: SocketKeeper;
  readonly positions: PositionWatch;
  readonly encoder: FeedEncoder;
  readonly metrics: Metrics;
  readonly page: ServerSettings["page"];
  readonly version: string;
  /** Models of the OpenAI door. */
  readonly catalogue: Catalogue;
  /** When the server was made, in epoch milliseconds. */
  readonly madeAtMs: number;
  /** Numbers of the process, for `/metrics`. */
  process(): Readonly<Record<string, number>>;
  model(): ModelStatus;
  alerts(): readonly AlertView[];
  /** True from the moment the server is told to stop. */
  isStopping(): boolean;
}
