const requestIdPattern = /^[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}$/;
const traceparentPattern =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The id of a request: the client's own `X-Request-Id` if it is 1..128 of letters, digits and `. _ : / + = -`, else a new
 * one. It stands in the answer, in the log of the task it made, and in the server's log.
 */
export function requestIdOf(headers: Headers, makeId: () => string): string {
  const given = headers.get("x-request-id");
  return given !== null && requestIdPattern.test(given) ? given : makeId();
}

/** The W3C trace context of a request; undefined if it has none, or none that is well formed. */
export function traceparentOf(headers: Headers): string | undefined {
  const given = headers.get("traceparent");
  return given !== null && traceparentPattern.test(given) ? given : undefined;
}
