/**
 * Adds the platform packages that npm left out of package-lock.json.
 *
 * npm drops an optional package from the lock file when the registry at hand does not serve it, and `npm ci` then refuses
 * that lock everywhere ("Missing: ... from lock file"). A registry mirror for Linux alone is enough to get there.
 * Version, os, cpu and libc follow from the parent's exact pin and the package's name; only the integrity hash stays
 * unknown, and npm never downloads a package meant for another platform. Run it after every `npm install`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The part of a lock file's package entry that this script reads or writes. */
export type LockEntry = {
  version: string;
  optional?: boolean;
  dev?: boolean;
  license?: string;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
};

const OS_WORDS: Record<string, string> = { windows: "win32" };
const CPU_WORDS: Record<string, string> = { "64": "x64" };
const LIBC_WORDS: Record<string, string> = {
  gnu: "glibc",
  gnueabihf: "glibc",
  musl: "musl",
  musleabihf: "musl",
};
const OS_NAMES = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const CPU_NAMES = ["arm", "arm64", "ia32", "ppc64", "riscv64", "s390x", "x64"];

/** Returns the missing entries by lock path; empty when the lock is complete. Throws on a name it cannot read. */
export function missingPlatformEntries(
  packages: Record<string, LockEntry>,
): Record<string, LockEntry> {
  const missing: Record<string, LockEntry> = {};
  for (const parent of Object.values(packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const path = `node_modules/${name}`;
      if (packages[path] === undefined) missing[path] = entryFor(name, version, parent);
    }
  }
  return missing;
}

function entryFor(name: string, version: string, parent: LockEntry): LockEntry {
  const words = (name.split("/").at(-1) ?? name).split("-");
  const os = words.map((word) => OS_WORDS[word] ?? word).find((word) => OS_NAMES.includes(word));
  const cpu = words.map((word) => CPU_WORDS[word] ?? word).find((word) => CPU_NAMES.includes(word));
  if (!os || !cpu || !/^\d/.test(version)) {
    throw new Error(`cannot tell the platform of ${name}@${version}: add it to the lock by hand`);
  }
  const libc = words.map((word) => LIBC_WORDS[word]).filter((word) => word !== undefined);
  return {
    version,
    cpu: [cpu],
    ...(parent.dev ? { dev: true } : {}),
    ...(libc.length > 0 ? { libc } : {}),
    ...(parent.license ? { license: parent.license } : {}),
    optional: true,
    os: [os],
  };
}

function main(): void {
  const path = join(import.meta.dirname, "..", "package-lock.json");
  const lock: { packages: Record<string, LockEntry> } = JSON.parse(readFileSync(path, "utf8"));
  const missing = missingPlatformEntries(lock.packages);
  // npm sorts the entries this way, so that the next `npm install` changes nothing.
  const entries = Object.entries({ ...lock.packages, ...missing });
  entries.sort(([a], [b]) => a.localeCompare(b, "en"));
  lock.packages = Object.fromEntries(entries);
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`package-lock.json: ${Object.keys(missing).length} platform packages added`);
}

if (import.meta.main) main();
