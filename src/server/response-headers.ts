/** Nothing may be loaded, framed or run from an API answer that somebody opens in a browser. */
const apiPolicy =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

/** The page loads its own scripts, styles, fonts and pictures, speaks to its own server, and nothing else. */
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const everywhere: readonly (readonly [string, string])[] = [
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["x-frame-options", "DENY"],
];

/** Gives a file of the page the headers that protect it, with its own status and caching. */
export function pageResponse(file: Response): Response {
  const headers = new Headers(file.headers);
  headers.set("content-security-policy", pagePolicy);
  headers.set("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-cache");
  return new Response(file.body, { status: file.status, headers });
}

/**
 * Puts the headers every answer has (SPEC SEC23): answers of the API and streams are never cached and run nothing; the
 * page keeps the policy it came with. Changes `response` in place, so that a stream's body is not touched.
 */
export function protect(response: Response, requestId: string, secure: boolean): Response {
  const { headers } = response;
  for (const [name, value] of everywhere) headers.set(name, value);
  headers.set("x-request-id", requestId);
  if (secure) headers.set("strict-transport-security", "max-age=31536000");
  if (!headers.has("content-security-policy")) headers.set("content-security-policy", apiPolicy);
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  return response;
}
