import { empty, json } from "./answer.ts";
import type { HeaderDoc } from "./operation.ts";

/** The header by which a snapshot is asked for only if it has changed. */
export const snapshotHeader: HeaderDoc = {
  name: "If-None-Match",
  description: "ETag of an earlier answer: 304 if nothing has changed since",
};

/** A snapshot with its ETag, or 304. What a browser has may be kept, but must be checked each time. */
export function snapshotAnswer(request: Request, snapshot: object, version: string): Response {
  const etag = `"${version}"`;
  // Another key in the same browser is another person, whose facts have the same numbers.
  const headers = {
    etag,
    "cache-control": "private, no-cache",
    vary: "authorization, x-api-key",
  };
  if (matches(request.headers.get("if-none-match"), etag)) return empty(304, headers);
  return json(snapshot, 200, headers);
}

function matches(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header
    .split(",")
    .some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}
