/**
 * The doors: one fetch handler over an engine, the same on every host.
 * @module
 */
export { createServer, type ErrandServer } from "./create-server.ts";
export {
  limitsDefault,
  type AuthSettings,
  type ModelStatus,
  type ServerLimits,
  type ServerSettings,
} from "./settings.ts";
export {
  socketProtocol,
  type OpenSocket,
  type SocketEvents,
  type SocketPort,
} from "./socket/port.ts";
export type { SocketState, TaskSocket } from "./socket/task-socket.ts";
export type { Connection, Operation, Policy } from "./operation.ts";
