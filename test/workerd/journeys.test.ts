import { expect, test } from "vitest";

import { Traveller, type Visitor } from "../hosts/journey.ts";
import { journeys } from "../hosts/journeys.ts";
import text from "../hosts/stories.json?raw";
import { EdgeClient } from "./edge-client.ts";

const admin = new EdgeClient();
const known = JSON.parse(text) as Readonly<Record<string, unknown>>;

async function userOf(name: string): Promise<Visitor> {
  const client = await admin.userWithKey(name);
  return {
    send: (method, path, body, headers = {}) => client.fetch(path, body, { method, headers }),
    async socket(path) {
      const socket = await client.socket(path);
      const { protocol, closed } = socket;
      return {
        protocol,
        closed,
        send: (message) => socket.send(message),
        until: (fits) => socket.until(fits),
        close: (code, reason) => socket.raw.close(code, reason),
      };
    },
  };
}

for (const [index, [name, journey]] of journeys.entries()) {
  test(`[HOME11] edge: ${name}`, async () => {
    const other = await userOf(`other${index}`);
    const traveller = new Traveller({ own: await userOf(`user${index}`), other });
    await journey(traveller);
    expect(await traveller.story()).toEqual(known[name]);
  });
}
