import { ErrandError } from "../../core/errors.ts";
import { userScope, type Scope } from "../../core/scope.ts";
import {
  bodyBytesMax,
  createIdentifier,
  localUser,
  pageResponse,
  problemResponse,
  protect,
  requestIdOf,
  type Identifier,
  type Identity,
} from "../../server/index.ts";
import { remoteApiKeys } from "./api-keys.ts";
import { askHome } from "./home-call.ts";
import { identityHeader } from "./home-object.ts";
import { awaitsKey, keySocket } from "./key-socket.ts";
import { destinationOf, needsBody, routeBody } from "./route.ts";
import { asScope } from "./whereabouts.ts";
import { readEdgeSettings, type EdgeEnv, type EdgeSettings } from "./settings.ts";

export { ErrandHome } from "./home-object.ts";
export { ErrandWorkflow } from "./workflow/errand-workflow.ts";

/** Paths of the API; everything else that is asked for with GET may be a file of the page. */
const apiPath =
  /^\/(?:api|v1)(?:\/|$)|^\/(?:openapi\.json|asyncapi\.json|readyz|metrics|docs)$|^\/task_/;

const nobody: Identity = { userId: localUser, isAdmin: false, keyHash: null };

/** Anybody may ask these, and no user's home is concerned. */
const publicPaths: ReadonlySet<string> = new Set([
  "/openapi.json",
  "/asyncapi.json",
  "/docs",
  "/readyz",
]);

/**
 * The Worker: it finds out who asks, and sends the request to the object of the home that answers it. It does no work of
 * its own that outlives a request: answers are made in objects, whoever is listening.
 */
export default {
  async fetch(request: Request, env: EdgeEnv): Promise<Response> {
    const url = new URL(request.url);
    const requestId = requestIdOf(request.headers, newRequestId);
    if (url.pathname === "/healthz" && ["GET", "HEAD"].includes(request.method))
      return guarded(Response.json({ status: "ok" }), url, requestId);
    try {
      const settings = readEdgeSettings(env);
      return (
        (await pageOf(request, url, env, requestId)) ?? (await answer(request, url, env, settings))
      );
    } catch (error) {
      if (error instanceof ErrandError)
        return guarded(problemResponse(error, requestId), url, requestId);
      console.error("a request failed", error);
      const bug = new ErrandError("internal", "Errand has a bug here", { cause: error });
      return guarded(problemResponse(bug, requestId), url, requestId);
    }
  },
};

async function answer(
  request: Request,
  url: URL,
  env: EdgeEnv,
  settings: EdgeSettings,
): Promise<Response> {
  const path = url.pathname;
  const identifier = identifierOf(env, settings);
  if (settings.adminKey !== null && awaitsKey(request, path))
    return keySocket(request, url, {
      identifier,
      open: (who, inner) => socketOf(who, inner, env),
    });
  const who = publicPaths.has(path) ? nobody : await identifier.identify(request.headers);
  const headers = new Headers(request.headers);
  headers.set(identityHeader, JSON.stringify(who));
  if (needsBody(request.method, path) && isShort(request)) {
    const idempotencyKey = request.headers.get("idempotency-key");
    const given = { text: await request.text(), idempotencyKey };
    const { home, text } = await routeBody(path, who.userId, given);
    headers.delete("content-length");
    return await env.HOMES.getByName(home).fetch(
      new Request(request.url, { method: request.method, headers, body: text }),
    );
  }
  const home = await homeOf(path, who, env);
  return await env.HOMES.getByName(home).fetch(new Request(request, { headers }));
}

async function homeOf(path: string, who: Identity, env: EdgeEnv): Promise<Scope> {
  const destination = destinationOf(path, who.userId);
  if ("home" in destination) return destination.home;
  const { taskId } = destination;
  const home = userScope(who.userId);
  const found = await askHome(env.HOMES, home, { is: "where", taskId });
  // Unknown there, it is refused there.
  return typeof found === "string" ? asScope(found) : home;
}

function identifierOf(env: EdgeEnv, { adminKey }: EdgeSettings): Identifier {
  const auth = adminKey === null ? null : { adminKey, keys: remoteApiKeys(env.HOMES) };
  return createIdentifier(auth, { nowMs: () => Date.now() });
}

/** The socket of who has shown a key in its first message. */
async function socketOf(who: Identity, request: Request, env: EdgeEnv): Promise<Response> {
  const headers = new Headers(request.headers);
  headers.set(identityHeader, JSON.stringify(who));
  const home = env.HOMES.getByName(userScope(who.userId));
  return await home.fetch(new Request(request, { headers }));
}

/** A body that says to be too long is refused by whom it is sent to, without being read here. */
function isShort(request: Request): boolean {
  const length = request.headers.get("content-length");
  return length !== null && Number(length) <= bodyBytesMax;
}

/** A file of the page, with the headers that protect it; null if there is none. */
async function pageOf(
  request: Request,
  url: URL,
  env: EdgeEnv,
  requestId: string,
): Promise<Response | null> {
  if (env.ASSETS === undefined || apiPath.test(url.pathname)) return null;
  if (request.method !== "GET" && request.method !== "HEAD") return null;
  const file = await env.ASSETS.fetch(request);
  return file.ok || file.status === 304 ? guarded(pageResponse(file), url, requestId) : null;
}

function guarded(response: Response, url: URL, requestId: string): Response {
  return protect(response, requestId, url.protocol === "https:");
}

function newRequestId(): string {
  return `req_${crypto.randomUUID().replaceAll("-", "")}`;
}
