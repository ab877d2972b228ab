import type { Hono } from "hono";

import { ErrandError } from "../core/errors.ts";
import type { ServerContext } from "./context.ts";
import type { Identifier, Identity } from "./guard/identify.ts";
import type { Allowance, TokenBuckets } from "./guard/token-bucket.ts";
import type { Connection, Operation } from "./operation.ts";

/** What `fetch` gives an operation through the router. */
export interface Passed {
  readonly requestId: string;
  readonly url: URL;
  readonly connection: Connection;
  readonly server: ServerContext;
  readonly gates: Gatekeepers;
}

/** The router. Errors are thrown through it, never answered in it: one place writes them. */
export type Router = Hono<{ Bindings: Passed }>;

/** What stands between the router and the operations. */
export interface Gatekeepers {
  readonly identifier: Identifier;
  readonly submits: TokenBuckets;
}

/**
 * Mounts operations for any server: which one, a request says. Who asks is known and allowed before anything is parsed. A path that is known answers other methods
 * with 405 and `Allow`. HEAD is GET without its body.
 */
export function mount(router: Router, operations: readonly Operation[]): void {
  const methods = new Map<string, Set<string>>();
  for (const operation of operations) {
    const path = operation.route ?? operation.path.replaceAll(/\{(\w+)\}/g, ":$1");
    router.on(operation.method.toUpperCase(), path, async ({ req, env }) => {
      const { server, gates } = env;
      const who = await admit(operation, req.raw.headers, gates);
      const allowance = operation.submits === true ? takeSubmit(gates.submits, who) : null;
      const { url, requestId, connection } = env;
      const arrival = {
        request: req.raw,
        url,
        pathParams: req.param(),
        requestId,
        connection,
        who,
      };
      const response = await operation.run(arrival, server);
      if (allowance !== null) tellRate(response.headers, path, gates.submits, allowance);
      server.metrics.answered(operation.id, response.status);
      return response;
    });
    methods.set(path, (methods.get(path) ?? new Set()).add(operation.method.toUpperCase()));
  }
  for (const [path, allowed] of methods) {
    if (allowed.has("GET")) allowed.add("HEAD");
    router.all(path, () => {
      throw new MethodRefused([...allowed].join(", "));
    });
  }
}

/** A path that is there, with a method it does not take. */
export class MethodRefused extends ErrandError {
  readonly allow: string;
  constructor(allow: string) {
    super("method_not_allowed", `this path takes ${allow}`);
    this.allow = allow;
  }
}

/** Somebody submits too fast: the answer says what is left, which is nothing, and when it is not. */
export class TooFast extends ErrandError {
  readonly #submits: TokenBuckets;
  readonly #allowance: Allowance;
  constructor(submits: TokenBuckets, allowance: Allowance) {
    const { retryAfterMs } = allowance;
    const { perSecond, burst } = submits;
    super(
      "rate_limited",
      `you may submit ${perSecond} times a second, ${burst} at once: try again in ${retryAfterMs} ms`,
      { retryAfterMs },
    );
    this.#submits = submits;
    this.#allowance = allowance;
  }

  /** Sets the headers that a door has for it. */
  tell(headers: Headers, path: string): void {
    tellRate(headers, path, this.#submits, this.#allowance);
  }
}

const nobody: Identity = { userId: "", isAdmin: false, keyHash: null };

async function admit(
  { policy }: Operation,
  headers: Headers,
  { identifier }: Gatekeepers,
): Promise<Identity> {
  if (policy === "public") return nobody;
  const who = await identifier.identify(headers);
  if (policy === "admin" && !who.isAdmin)
    throw new ErrandError("forbidden", "this needs the admin's key");
  return who;
}

function takeSubmit(submits: TokenBuckets, who: Identity): Allowance {
  const allowance = submits.take(who.userId);
  if (allowance.retryAfterMs === 0) return allowance;
  throw new TooFast(submits, allowance);
}

/** draft-ietf-httpapi-ratelimit-headers: what is left, and what is allowed. OpenAI's clients have names of their own. */
function tellRate(
  headers: Headers,
  path: string,
  { perSecond, burst }: TokenBuckets,
  { left }: Allowance,
): void {
  const resetSeconds = Math.ceil((burst - left) / perSecond);
  if (path.startsWith("/v1/")) {
    headers.set("x-ratelimit-limit-requests", String(burst));
    headers.set("x-ratelimit-remaining-requests", String(left));
    headers.set("x-ratelimit-reset-requests", durationText(resetSeconds));
    return;
  }
  const windowSeconds = Math.max(1, Math.round(burst / perSecond));
  headers.set("ratelimit-policy", `"submits";q=${burst};w=${windowSeconds}`);
  headers.set("ratelimit", `"submits";r=${left};t=${resetSeconds}`);
}

/** As OpenAI writes it: `1s`, `6m0s`. */
function durationText(seconds: number): string {
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
