import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { Traveller, type Visitor } from "../../hosts/journey.ts";
import { journeys } from "../../hosts/journeys.ts";
import { steeredParts } from "../../hosts/steered.ts";
import { adminKey, openDoor, type Door } from "../server/door.ts";
import { listen, type Listening } from "../server/listen.ts";
import { openSocket } from "../server/socket-client.ts";

/** The stories that every host has to tell. `ERRAND_WRITE_STORIES=1` writes them anew from this host. */
const file = join(import.meta.dirname, "../../hosts/stories.json");
const writes = process.env["ERRAND_WRITE_STORIES"] === "1";
const told: Record<string, unknown> = {};
let stories: Readonly<Record<string, unknown>> = {};
let door: Door;
let http: Listening;

beforeAll(async () => {
  const { tasks, endpoint, roles } = steeredParts;
  door = await openDoor({ auth: true, tasks });
  door.engine.roles.addEndpoint(endpoint);
  for (const [role, target] of Object.entries(roles)) door.engine.roles.assign(role, target);
  await door.engine.configureQueue(`model:${endpoint.name}`, { slots: endpoint.slots });
  http = await listen(door);
  if (!writes) stories = JSON.parse(await readFile(file, "utf8")) as typeof stories;
});

afterAll(async () => {
  if (writes) await writeFile(file, `${JSON.stringify(told, null, 1)}\n`);
  await http.close();
  await door.close();
});

async function userOf(name: string): Promise<Visitor> {
  const { body } = await door.json("POST", "/api/admin/keys", {
    key: adminKey,
    body: { user: name },
  });
  const key = String(body["key"]);
  return {
    send: (method, path, sent, headers = {}) =>
      door.send(method, path, { key, headers, ...(sent === undefined ? {} : { body: sent }) }),
    async socket(path) {
      const headers = { authorization: `Bearer ${key}` };
      const socket = await openSocket(http.url, path, { headers });
      return { ...socket, close: (code, reason) => socket.raw.close(code, reason) };
    },
  };
}

for (const [index, [name, journey]] of journeys.entries()) {
  test(`[HOME11] embedded: ${name}`, async () => {
    const other = await userOf(`other${index}`);
    const traveller = new Traveller({ own: await userOf(`user${index}`), other });
    await journey(traveller);
    const story = await traveller.story();
    told[name] = story;
    if (!writes) expect(story).toEqual(stories[name]);
  });
}
