import { readFileSync, writeFileSync } from "node:fs";

import { defineCommand, type CommandDef } from "citty";

import type { JsonObject } from "../core/json.ts";
import { isObject } from "../client/shape.ts";
import { connect, orExplain, serverUrl, urlArg } from "./connection.ts";

interface Text {
  readonly type: "string";
  readonly description: string;
}
interface Word {
  readonly type: "positional";
  readonly description: string;
  readonly required: true;
}

const exportArgs: { readonly session: Word; readonly out: Text; readonly url: Text } = {
  session: {
    type: "positional",
    description: "Id of the session: the last part of a chat's address on the page",
    required: true,
  },
  out: { type: "string", description: "File to write (default: standard output)" },
  url: urlArg,
};
const importArgs: { readonly file: Word; readonly as: Text; readonly url: Text } = {
  file: {
    type: "positional",
    description: "What `errand export` wrote; - for standard input",
    required: true,
  },
  as: { type: "string", description: "Name of the session here (default: the one it had)" },
  url: urlArg,
};

/** `errand export`: a session as one JSON document a part, a line each. */
export const exportCommand: CommandDef<typeof exportArgs> = defineCommand({
  meta: { name: "export", description: "Write a session to a file, to move it to another host" },
  args: exportArgs,
  run: ({ args }) =>
    orExplain(serverUrl(args.url), async () => {
      const parts = await connect(args.url).portable.export(args.session);
      const text = parts.map((part) => `${JSON.stringify(part)}\n`).join("");
      if (args.out === undefined) process.stdout.write(text);
      else {
        writeFileSync(args.out, text);
        process.stdout.write(`${args.session} -> ${args.out}  ${hashOf(parts[0])}\n`);
      }
    }),
});

/** `errand import`: a session from a file. */
export const importCommand: CommandDef<typeof importArgs> = defineCommand({
  meta: { name: "import", description: "Read a session that another host has exported" },
  args: importArgs,
  run: ({ args }) =>
    orExplain(serverUrl(args.url), async () => {
      const client = connect(args.url);
      const parts = linesOf(args.file);
      const { sessionId } = await client.portable.import(parts, args.as);
      const [first] = await client.portable.export(sessionId);
      const isEqual = hashOf(first) === hashOf(parts[0]);
      // An open turn begins at once, and changes the session before it can be looked at.
      const words = isEqual ? "state equal" : "open turns go on here";
      process.stdout.write(`${sessionId}  ${words}  ${hashOf(first)}\n`);
    }),
});

function hashOf(part: JsonObject | undefined): string {
  const hash = part?.["stateHash"];
  return typeof hash === "string" ? hash : "";
}

function linesOf(file: string): JsonObject[] {
  const lines = readFileSync(file === "-" ? 0 : file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
  if (lines.length === 0) throw new Error(`${file} holds no session`);
  return lines.map((line, index) => {
    const value = parsed(line);
    if (!isObject(value)) throw new Error(`line ${index + 1} of ${file} is no part of a session`);
    return value;
  });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
