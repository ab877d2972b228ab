import { freePort } from "../harness/ports.ts";
import { scratch } from "../harness/machine.ts";
import { start } from "../harness/processes.ts";

/** A Redis of its own that flushes every write before it answers: its durable setting. */
export async function startRedis(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const dir = scratch("redis");
  const port = await freePort();
  const durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
  const place = ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir.path];
  const redis = await start(
    "redis-server",
    [...place, ...durable, "--maxmemory-policy", "noeviction"],
    /Ready to accept connections/,
  );
  return {
    port,
    async stop() {
      await redis.kill();
      dir.remove();
    },
  };
}
