import type { Engine } from "../engine/index.ts";
import type { Clock, Log } from "../ports/host.ts";
import type { AuthSettings, ModelStatus, ServerLimits, ServerSettings } from "./settings.ts";
import type { FeedEncoder } from "./stream/feed-encoder.ts";
import type { PositionWatch } from "./stream/position-watch.ts";
import type { SocketKeeper } from "./socket/socket-keeper.ts";
import type { StreamKeeper } from "./stream/stream-keeper.ts";
import type { Metrics } from "./metrics/metrics.ts";

/** What operations are built from: one for each server. */
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
  model(): ModelStatus;
  /** True from the moment the server is told to stop. */
  isStopping(): boolean;
}
