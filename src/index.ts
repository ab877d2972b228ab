/**
 * Errand as a library: define task types, configure, and run in your own process.
 * @module
 */
export * from "./engine/index.ts";
export {
  defineConfig,
  readSettings,
  type EndpointConfig,
  type ErrandConfig,
  type HostSettings,
} from "./hosts/embedded/config.ts";
export { openEmbedded, type Embedded, type EmbeddedOptions } from "./hosts/embedded/embedded.ts";
export { serveEmbedded, type Served } from "./hosts/embedded/serve.ts";
