import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import { systemClock } from "../../adapters/node/clock.ts";
import { fileApiKeys } from "../../adapters/node/api-keys-file.ts";
import { createServer } from "../../server/index.ts";
import { isLoopback, type HostSettings } from "./config.ts";
import { openEmbedded, type Embedded, type EmbeddedOptions } from "./embedded.ts";
import { pageFrom } from "./page.ts";
import { httpServer } from "./socket-listener.ts";

/** A running server. */
export interface Served {
  readonly url: string;
  readonly embedded: Embedded;
  /** Stops taking requests, drains, closes. */
  stop(drainGraceMs?: number): Promise<void>;
}

/** Where `npm run build:web` puts the page. */
const pageFolder = fileURLToPath(new URL("../../../dist/web", import.meta.url));

/** Opens Errand and serves its doors over HTTP. */
export async function serveEmbedded(
  settings: HostSettings,
  options: EmbeddedOptions = {},
): Promise<Served> {
  const embedded = await openEmbedded(settings, options);
  const { engine, models, log } = embedded;
  const server = createServer(engine, {
    version: "0.1.0",
    auth:
      settings.adminKey === null
        ? null
        : { adminKey: settings.adminKey, keys: fileApiKeys(settings.dataDir) },
    hosts: isLoopback(settings.host) ? settings.allowedHosts : null,
    clock: systemClock,
    log,
    model: () => models.status,
    alerts: () => embedded.alerts?.alerts ?? [],
    page: pageFrom(pageFolder),
    process: processNumbers,
  });
  const http = httpServer(server);
  let address: AddressInfo;
  try {
    address = await addressOf(http, settings);
  } catch (error) {
    await embedded.stop(0);
    throw error;
  }
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}`,
    embedded,
    async stop(drainGraceMs) {
      server.drain();
      http.close();
      await embedded.stop(drainGraceMs);
      // Followers hold their sockets open; they come back to the next process with their cursors.
      server.close();
      http.closeAllConnections();
    },
  };
}

/** Listens, and answers where. Rejects if the port is taken or the address is not this machine's. */
function addressOf(http: HttpServer, { port, host }: HostSettings): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, host, () => {
      const address = http.address();
      if (typeof address === "object" && address !== null) resolve(address);
    });
  });
}

function processNumbers(): Readonly<Record<string, number>> {
  const memory = process.memoryUsage();
  return {
    process_resident_memory_bytes: memory.rss,
    process_heap_bytes: memory.heapUsed,
    process_uptime_seconds: process.uptime(),
    process_cpu_seconds_total: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
  };
}
