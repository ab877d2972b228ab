import type { Http } from "./http.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { fieldsOf, isObject } from "./shape.ts";

/** Sessions as documents that another host can read. Every call throws `RequestFailed`. */
export interface PortableApi {
  /** All parts of a session as it was at one moment. Throws if it changes all the time. */
  export(sessionId: string): Promise<readonly JsonObject[]>;
  /** Gives the parts to a host, under another name if one is given. May be repeated. */
  import(parts: readonly Json[], sessionId?: string): Promise<{ readonly sessionId: string }>;
}

/** How often a session that changes under an export is begun anew. */
const triesMax = 5;

/** Builds the calls on a caller. */
export function createPortableApi(http: Http): PortableApi {
  const part = (sessionId: string, number: number): Promise<JsonObject> =>
    http.json(
      `/api/sessions/${encodeURIComponent(sessionId)}/export`,
      (value) => (isObject(value) ? value : {}),
      { query: { part: number } },
    );
  return {
    async export(sessionId) {
      for (let tries = 1; tries <= triesMax; tries += 1) {
        // Part after part, and again if the session has changed between two.
        // oxlint-disable-next-line no-await-in-loop
        const first = await part(sessionId, 0);
        const parts = [first];
        const count = fieldsOf(first, "part").number("parts");
        for (let number = 1; number < count; number += 1) {
          // oxlint-disable-next-line no-await-in-loop
          parts.push(await part(sessionId, number));
        }
        const { seq: moment } = first;
        if (parts.every(({ seq }) => seq === moment)) return parts;
      }
      throw new Error(`session ${sessionId} changes all the time: export it when it is quiet`);
    },
    async import(parts, sessionId) {
      let imported = "";
      for (const one of parts) {
        const body = sessionId === undefined || !isObject(one) ? one : { ...one, sessionId };
        // The next part is refused before this one is there.
        // oxlint-disable-next-line no-await-in-loop
        imported = await http.json(
          "/api/sessions/import",
          (value) => fieldsOf(value, "imported").text("sessionId"),
          { method: "POST", body },
        );
      }
      return { sessionId: imported };
    },
  };
}
