import { createHmac } from "node:crypto";
import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { BlockList, isIP, type LookupFunction } from "node:net";

import { ErrandError } from "../../core/errors.ts";

/** Where webhooks go. */
export interface WebhookAddress {
  readonly url: string;
  /** `whsec_` and base64 of 24 to 64 bytes. */
  readonly secret: string;
}

/** One delivery. */
export interface WebhookDelivery {
  /** Stable over repeats: the receiver knows by it what it has seen. */
  readonly id: string;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** A receiver that has not answered by then has failed. */
const answerMsMax = 15_000;
const secretBytes = { min: 24, max: 64 } as const;

/** Networks that a name of the internet has no business to lead to. Two lists: one takes IPv4 for what IPv6 wraps it in. */
const inside4 = new BlockList();
const inside6 = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const)
  inside4.addSubnet(network, bits, "ipv4");
for (const [network, bits] of [
  ["::", 96],
  ["::ffff:0:0", 96],
  ["64:ff9b::", 96],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const)
  inside6.addSubnet(network, bits, "ipv6");

/** True for an address that is not of the public internet, or is none. */
export function isInside(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return true;
  return family === 6 ? inside6.check(address, "ipv6") : inside4.check(address, "ipv4");
}

/** Checks a configured address. Throws `invalid_request` that says what is wrong; the secret is not repeated. */
export function checkWebhook({ url, secret }: WebhookAddress): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ErrandError("invalid_request", `a webhook's url must be http(s), got "${url}"`);
  const { byteLength } = keyOf(secret);
  if (!secret.startsWith("whsec_") || byteLength < secretBytes.min || byteLength > secretBytes.max)
    throw new ErrandError(
      "invalid_request",
      "a webhook's secret must be whsec_ and base64 of 24..64 bytes; make one with: echo whsec_$(openssl rand -base64 32)",
    );
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.replace(/^whsec_/, ""), "base64");
}

/** Signature of Standard Webhooks over the exact bytes that are sent. */
export function signWebhook(
  secret: string,
  { id, body }: Pick<WebhookDelivery, "id" | "body">,
  seconds: number,
): string {
  const hmac = createHmac("sha256", keyOf(secret)).update(`${id}.${seconds}.${body}`);
  return `v1,${hmac.digest("base64")}`;
}

/** Looks names up, as `node:dns` does. */
export type NameLookup = (
  name: string,
  options: { readonly all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Answers the addresses of a name only if all of them are of the public internet: the connection is made to what was
 * looked at, so that a name cannot change its mind in between.
 */
export function publicLookup(resolve: NameLookup): LookupFunction {
  return (name, options, done) => {
    resolve(name, { all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined)
        return done(error ?? new Error(`${name} has no address`), "", 0);
      if (addresses.some(({ address }) => isInside(address)))
        return done(new Error(`${name} leads to an address inside this network`), "", 0);
      if (options.all === true) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };
}

/**
 * Sends a signed webhook and answers the receiver's status; follows no redirect and reads no body. A name must lead to
 * public addresses; an address inside, or `localhost`, is reached only if it is what the configuration says in so many
 * words. Rejects if there is no answer within 15 s, or if `signal` aborts.
 */
export async function sendWebhook(
  { url, secret }: WebhookAddress,
  delivery: WebhookDelivery,
  resolve: NameLookup = systemLookup,
): Promise<number> {
  const { hostname, protocol } = new URL(url);
  const isMeant = hostname === "localhost" || isIP(hostname.replaceAll(/[[\]]/g, "")) !== 0;
  const seconds = Math.floor(Date.now() / 1_000);
  const { promise, resolve: answered, reject } = Promise.withResolvers<number>();
  const outgoing = (protocol === "https:" ? httpsRequest : httpRequest)(url, {
    method: "POST",
    agent: false,
    signal: AbortSignal.any([delivery.signal, AbortSignal.timeout(answerMsMax)]),
    headers: {
      "content-type": "application/json",
      "user-agent": "errand-webhooks",
      "webhook-id": delivery.id,
      "webhook-timestamp": String(seconds),
      "webhook-signature": signWebhook(secret, delivery, seconds),
    },
    ...(isMeant ? {} : { lookup: publicLookup(resolve) }),
  });
  outgoing.on("error", reject);
  outgoing.on("response", (incoming) => {
    answered(incoming.statusCode ?? 0);
    incoming.destroy();
  });
  outgoing.end(delivery.body);
  return await promise;
}
