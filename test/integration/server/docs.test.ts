import { expect, test } from "vitest";

import { exampleBodies } from "../../../src/server/examples.ts";
import { openDoor } from "./door.ts";

test("[HTTP17] every example is a body that its operation takes, and the document shows it", async () => {
  const door = await openDoor();
  const { body: document } = await door.json("GET", "/openapi.json");
  const shown = JSON.stringify(document);
  for (const [id, example] of Object.entries(exampleBodies)) {
    const operation = door.server.operations.find((one) => one.id === id);
    expect([id, operation?.body?.schema.safeParse(example).error?.issues ?? []]).toEqual([id, []]);
    expect([id, operation !== undefined]).toEqual([id, true]);
    expect(shown).toContain(JSON.stringify(example));
  }
  await door.close();
});

test("[HTTP17] /docs shows every operation, and may load and run nothing", async () => {
  const door = await openDoor();
  const response = await door.send("GET", "/docs");
  const html = await response.text();
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("content-security-policy")).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+';/,
  );
  for (const { id, path, summary } of door.server.operations) {
    expect(html).toContain(`<details id="${id}">`);
    expect(html).toContain(path);
    expect(html).toContain(summary.replaceAll("&", "&amp;").replaceAll('"', "&quot;"));
  }
  expect(html).not.toMatch(/<script|https?:\/\//);
  await door.close();
});
