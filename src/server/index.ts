/**
 * The doors: one fetch handler over an engine, the same on every host.
 * @module
 */
export { createServer, type ErrandServer } from "./create-server.ts";
export { createIdentifier, localUser, type Identifier, type Identity } from "./guard/identify.ts";
export { bodyBytesMax } from "./input/body.ts";
export { problemResponse } from "./problem.ts";
export { requestIdOf } from "./request-id.ts";
export { pageResponse, protect } from "./response-headers.ts";
export { chatIdOfKey } from "./routes/chat-routes.ts";
export type { OpenOutlet, Outlet, OutletEvents } from "./stream/outlet.ts";
export {
  limitsDefault,
  type AuthSettings,
  type ModelStatus,
  type ServerLimits,
  type ServerSettings,
} from "./settings.ts";
export {
  closeCodes,
  socketProtocol,
  type OpenSocket,
  type SocketEvents,
  type SocketPort,
  type SocketState,
} from "./socket/port.ts";
export { errorFrame, readFrame } from "./socket/frames.ts";
export { refuseForeign } from "./guard/same-origin.ts";
export type { TaskSocket } from "./socket/task-socket.ts";
export type { Connection, Operation, Policy } from "./operation.ts";
