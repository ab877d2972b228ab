import { expect, test } from "vitest";

import { Traveller, type Send } from "../hosts/journey.ts";
import { journeys } from "../hosts/journeys.ts";
import text from "../hosts/stories.json?raw";
import { EdgeClient } from "./edge-client.ts";

const admin = new EdgeClient();
const known = JSON.parse(text) as Readonly<Record<string, unknown>>;

async function userOf(name: string): Promise<Send> {
  const client = await admin.userWithKey(name);
  return (method, path, body, headers = {}) => client.fetch(path, body, { method, headers });
}

for (const [index, [name, journey]] of journeys.entries()) {
  test(`[HOME11] edge: ${name}`, async () => {
    const other = await userOf(`other${index}`);
    const traveller = new Traveller({ own: await userOf(`user${index}`), other });
    await journey(traveller);
    expect(await traveller.story()).toEqual(known[name]);
  });
}
