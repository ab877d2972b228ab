import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { scratch } from "../harness/machine.ts";

/*
 * Durable no-op tasks on a disk whose flush takes 5 ms longer, as a plain SSD's or a network disk's does: the bench of
 * `throughput`, with a library preloaded that waits in fsync and fdatasync. Needs gcc and Linux.
 *
 *     node bench/slow-disk/run.ts [rounds]
 */
const rounds = process.argv[2] ?? "3";
const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const dir = scratch("slow-disk");
const library = join(dir.path, "slow-fsync.so");
execFileSync("gcc", ["-O2", "-shared", "-fPIC", "-o", library, beside("./slow-fsync.c"), "-ldl"]);
execFileSync(process.execPath, [beside("../throughput/run.ts"), rounds, "raw,errand"], {
  stdio: "inherit",
  env: { ...process.env, LD_PRELOAD: library },
});
dir.remove();
