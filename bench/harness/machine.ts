import { readFileSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";

/** Runnable processes of the last minute: above about 0.6 before a pass, its figures are noisy. */
export function load(): number {
  return loadavg()[0] ?? 0;
}

/** A folder for one pass, below `BENCH_DIR` or the system's temporary folder. */
export function scratch(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(process.env["BENCH_DIR"] ?? tmpdir(), `errand-bench-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** One line that says where figures come from. */
export function machineLine(): string {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${new Date().toISOString()}, ${cpus().length} x ${cpu?.model ?? "unknown CPU"}, ${gigabytes} GB, Node ${process.version}, load ${load().toFixed(2)}\n`;
}

/** Clock ticks of /proc are hundredths of a second on every Linux that people run. */
const tickUs = 10_000;

/** CPU time a process has used, in microseconds. Linux only. */
export function cpuUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name in parentheses may hold spaces; user and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickUs;
}

/** Memory a process has for itself, shared pages counted by share, in megabytes. Linux only. */
export function pssMb(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]) / 1_024;
}
