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
export type { Connection, Operation, Policy } from "./operation.ts";
