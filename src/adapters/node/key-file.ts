import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

import { ErrandError } from "../../core/errors.ts";

/** Name of the key file in a data folder. */
export const keyFileName: string = "key";

/** The store's key and where it came from, to be named when it turns out to be the wrong one. */
export interface StoreKey {
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly setting: string;
}

/**
 * The key that seals a data folder: `ERRAND_KEY` (32 bytes in base64 or hex), else the file that `ERRAND_KEY_FILE`
 * names (the same text), else the file `key` in the data folder. That file is made, readable by its owner only and
 * flushed, if neither it nor the database exists yet.
 *
 * Throws `invalid_request` for a setting that is no key, and `unavailable` for a data folder whose database has
 * lost its key. No message holds a key.
 */
export function loadStoreKey(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly dataDir: string;
  /** Name of the database in the data folder. */
  readonly databaseName: string;
}): StoreKey {
  const { env, dataDir, databaseName } = options;
  const { ERRAND_KEY: text, ERRAND_KEY_FILE: file } = env;
  if (isSet(text) && isSet(file)) {
    throw new ErrandError(
      "invalid_request",
      "ERRAND_KEY and ERRAND_KEY_FILE are both set: keep one of them",
    );
  }
  if (isSet(text)) return { key: parseKey(text, "ERRAND_KEY"), setting: "ERRAND_KEY" };
  if (isSet(file)) return readKey(file, `ERRAND_KEY_FILE (${file})`);

  const ownFile = join(dataDir, keyFileName);
  if (!existsSync(ownFile)) {
    if (existsSync(join(dataDir, databaseName))) {
      throw new ErrandError(
        "unavailable",
        `the data folder ${dataDir} has a database but no key file: put its file "${keyFileName}" back, or set ERRAND_KEY or ERRAND_KEY_FILE to the key it was made with; without that key its contents cannot be read`,
      );
    }
    makeKey(dataDir, ownFile);
  }
  return readKey(ownFile, `the key file ${ownFile}`);
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}

function readKey(file: string, setting: string): StoreKey {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new ErrandError("unavailable", `${setting} cannot be read`, { cause });
  }
  return { key: parseKey(text.trim(), setting), setting };
}

function parseKey(text: string, setting: string): Uint8Array {
  const isHex = /^[0-9a-fA-F]{64}$/.test(text);
  const isBase64 = /^[A-Za-z0-9+/_-]{43}=?$/.test(text);
  if (!isHex && !isBase64) {
    throw new ErrandError(
      "invalid_request",
      `${setting} must hold 32 bytes, as 44 characters of base64 or 64 of hex, got ${text.length} characters; "openssl rand -base64 32" makes one`,
    );
  }
  return new Uint8Array(Buffer.from(text, isHex ? "hex" : "base64"));
}

/** Makes the key file whole or not at all. Of two processes that start at once, both then read the same key. */
function makeKey(dataDir: string, file: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString("hex")}`;
  const descriptor = openSync(draft, "wx", 0o600);
  try {
    writeSync(descriptor, `${randomBytes(32).toString("base64")}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  try {
    publish(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
  flushFolder(dataDir);
}

/** Gives the draft its name, unless another process was first: a rename would take away the key that it uses. */
function publish(draft: string, file: string): void {
  try {
    linkSync(draft, file);
  } catch (error) {
    if (existsSync(file)) return;
    // Some mounted folders of containers have no hard links.
    if (error instanceof Error && "code" in error) renameSync(draft, file);
    else throw error;
  }
}

/** A new name is on the disk when its folder has been flushed. Windows cannot do that and does not need it. */
function flushFolder(folder: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
