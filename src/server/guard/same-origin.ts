import { ErrandError } from "../../core/errors.ts";

/** How this server may be called, and from where. */
export interface OriginPolicy {
  /** Names besides loopback's, without a port; `null` is any name. */
  readonly hosts: readonly string[] | null;
  readonly origins: readonly string[];
}

const loopbackNames: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

const harmless: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses what another web page may have sent (SPEC SEC13), with `forbidden`:
 * - a name of this server that is not its own, because a hostile name may be made to point here (DNS rebinding);
 * - a change, an event stream, or a WebSocket that a browser asks for on behalf of another origin.
 */
export function refuseForeign(request: Request, url: URL, policy: OriginPolicy): void {
  const { headers } = request;
  const host = headers.get("host") ?? url.host;
  for (const name of [hostName(host), hostName(url.host)]) {
    if (policy.hosts === null || loopbackNames.includes(name) || policy.hosts.includes(name))
      continue;
    throw new ErrandError(
      "forbidden",
      `this server does not go by the name "${name.slice(0, 100)}": call it localhost or 127.0.0.1, or add the name to ERRAND_ALLOWED_HOSTS`,
    );
  }
  const origin = headers.get("origin");
  if (origin !== null && policy.origins.includes(origin)) return;
  const isStream =
    headers.get("accept")?.includes("text/event-stream") === true ||
    headers.get("upgrade")?.toLowerCase() === "websocket";
  if (harmless.has(request.method) && !isStream) return;
  if (origin !== null && !isOwn(origin, host)) {
    throw new ErrandError("forbidden", `pages of ${origin.slice(0, 200)} may not use this server`);
  }
  const site = headers.get("sec-fetch-site");
  if (origin === null && (site === "cross-site" || site === "same-site")) {
    throw new ErrandError("forbidden", "pages of other origins may not use this server");
  }
}

/** A page that came from this very host. The scheme may differ: a proxy in front may speak TLS. */
function isOwn(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

/** The name of a host without its port, in lower case. */
function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
}
