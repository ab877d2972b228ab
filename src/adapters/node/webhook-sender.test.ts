import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import OpenAI from "openai";
import { expect, test } from "vitest";

import { checkWebhook, isInside, publicLookup, sendWebhook } from "./webhook-sender.ts";

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const { signal } = new AbortController();

test("[HOOK1] what is sent is verified by OpenAI's own client, and a changed body is not", async () => {
  const got = Promise.withResolvers<{ headers: Record<string, string>; body: string }>();
  const server = createServer((incoming, outgoing) => {
    let body = "";
    incoming.on("data", (chunk) => (body += String(chunk)));
    incoming.on("end", () => {
      outgoing.writeHead(202).end();
      const headers = Object.entries(incoming.headers).map(([name, value]) => [
        name,
        String(value),
      ]);
      got.resolve({ headers: Object.fromEntries(headers) as Record<string, string>, body });
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const event = {
    id: "evt_1",
    object: "event",
    type: "response.completed",
    created_at: 1,
    data: { id: "resp_1" },
  };
  const delivery = { id: "evt_1", body: JSON.stringify(event), signal };
  expect(await sendWebhook({ url: `http://127.0.0.1:${port}/hook`, secret }, delivery)).toBe(202);
  server.close();
  const { headers, body } = await got.promise;
  const { webhooks } = new OpenAI({ apiKey: "any" });
  expect(await webhooks.unwrap(body, headers, secret)).toEqual(event);
  await expect(webhooks.unwrap(`${body} `, headers, secret)).rejects.toThrow();
});

test.each([
  "127.0.0.1",
  "10.1.2.3",
  "172.31.0.1",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "0.0.0.0",
  "::1",
  "::",
  "fd00::1",
  "fe80::1",
  "::ffff:10.0.0.1",
  "64:ff9b::a00:1",
  "not an address",
])("[HOOK2] %s is inside", (address) => {
  expect(isInside(address)).toBe(true);
});

test.each(["1.1.1.1", "93.184.216.34", "2606:4700::1111"])("[HOOK2] %s is public", (address) => {
  expect(isInside(address)).toBe(false);
});

test("[HOOK2] a name that leads inside, even with one of its addresses, is not connected to", async () => {
  const found = [
    { address: "1.1.1.1", family: 4 },
    { address: "127.0.0.1", family: 4 },
  ];
  const address = { url: "http://inside.example/hook", secret };
  await expect(
    sendWebhook(address, { id: "e", body: "{}", signal }, (_name, _options, done) =>
      done(null, found),
    ),
  ).rejects.toThrow("inside this network");
  const lookup = publicLookup((_name, _options, done) => done(null, found.slice(0, 1)));
  lookup("public.example", {}, (error, first) => expect([error, first]).toEqual([null, "1.1.1.1"]));
});

test("[HOOK3] a secret that is too short and an address that is none are refused, and no secret is repeated", () => {
  expect(() => checkWebhook({ url: "ftp://x", secret })).toThrow("http(s)");
  expect(() => checkWebhook({ url: "https://x.example", secret: "whsec_c2hvcnQ=" })).toThrow(
    /^a webhook's secret must be whsec_ and base64 of 24\.\.64 bytes/,
  );
});
