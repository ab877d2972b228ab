import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import { edgeDifferences, type Sight } from "../../hosts/differences.ts";
import type { Send } from "../../hosts/journey.ts";
import { openGate, steeredParts } from "../../hosts/steered.ts";
import { adminKey, keyFor, openDoor, type Door } from "../server/door.ts";
import { openInside } from "../server/socket-client.ts";

const hosts = join(import.meta.dirname, "../../../src/hosts");

function sendOf(door: Door, key: string): Send {
  return (method, path, body, headers = {}) =>
    door.send(method, path, { key, headers, ...(body === undefined ? {} : { body }) });
}

/** All sources of a host, as one text. */
async function sourcesOf(host: string): Promise<string> {
  const names = await readdir(join(hosts, host), { recursive: true });
  const own = names.filter((name) => name.endsWith(".ts") && !name.includes(".test."));
  return (await Promise.all(own.map((name) => readFile(join(hosts, host, name), "utf8")))).join("");
}

for (const { what, seen } of edgeDifferences) {
  test(`[HOME13] embedded: ${what}`, async () => {
    if ("never" in seen) return expect(seen.never).not.toBe("");
    if ("words" in seen) {
      const [embedded, edge] = [await sourcesOf("embedded"), await sourcesOf("edge")];
      for (const word of seen.words) {
        expect([word, embedded.includes(word)]).toEqual([word, true]);
        expect([word, edge.includes(word)]).toEqual([word, false]);
      }
      return undefined;
    }
    expect(seen.embedded).not.toEqual(seen.edge);
    const door = await openDoor({ auth: true, tasks: steeredParts.tasks });
    try {
      const key = await keyFor(door, "sees");
      const sight: Sight = {
        own: sendOf(door, key),
        admin: sendOf(door, adminKey),
        async pings(count) {
          const { socket } = await openInside(door, "/ws/tasks", { key });
          for (let n = 0; n < count; n += 1) socket?.events.received('{"t":"ping"}');
          return socket?.closes.length === 0 ? "answered" : "closed";
        },
      };
      expect(await seen.look(sight)).toEqual(seen.embedded);
    } finally {
      openGate("never");
      await door.close();
    }
    return undefined;
  });
}
