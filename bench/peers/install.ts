import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";

/*
 * Installs the peers that benches run beside Errand, in this folder only. Redis itself is the system's: the bench of
 * throughput starts `redis-server` from the path.
 *
 *     node bench/peers/install.ts
 */
const folder = import.meta.dirname;
// Made first, so that npm does not look for a project above this folder.
mkdirSync(`${folder}/node_modules`, { recursive: true });
const npm = spawnSync("npm", ["install", "--no-package-lock", "--no-audit", "--no-fund"], {
  cwd: folder,
  stdio: "inherit",
});
if (npm.status !== 0) process.exitCode = 1;
const redis = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
process.stdout.write(
  redis.status === 0
    ? redis.stdout
    : "redis-server is not on the path: install it with your system's packages to run bench/throughput\n",
);
