import { describe, expect, test } from "vitest";
import { explainFailure, explainTaskError, inOneLine } from "./explain.ts";
import type { Refusal } from "./failure.ts";

const refusal: Refusal = {
  code: "rate_limited",
  status: 429,
  detail: "",
  fields: [],
  retryAfterMs: null,
  requestId: "req_1",
};

describe("errors in words", () => {
  test("[CLIENT5] a 4xx, a 5xx, no network and a strange answer are four different sentences", () => {
    const sentences = [
      explainFailure({ kind: "refused", ...refusal }),
      explainFailure({ kind: "server", ...refusal, code: "internal", status: 500 }),
      explainFailure({ kind: "network", detail: "no answer came" }),
      explainFailure({ kind: "confusing", detail: "the answer is not JSON" }),
    ].map((explanation) => explanation.what);
    expect(sentences).toEqual([
      "Too many requests in a short time.",
      "The server failed on its side.",
      "No connection to the server.",
      "The answer did not come from an Errand server of this version.",
    ]);
  });

  test("[CLIENT5] a wrong field is named with what it may be", () => {
    const fields = [{ field: "message", message: "must be 1..200000 characters, got 0" }];
    const failure = { kind: "refused", ...refusal, code: "invalid_request", fields } as const;
    expect(inOneLine(explainFailure(failure))).toBe(
      "The server did not accept this. message: must be 1..200000 characters, got 0.",
    );
  });

  test("[CLIENT5] a wait that the server asks for is said in seconds, a 5xx names its request", () => {
    const limited = explainFailure({ kind: "refused", ...refusal, retryAfterMs: 11_500 });
    expect(limited.help).toBe("Wait a moment. The server asks to wait 12 s.");
    const full = { ...refusal, code: "storage_full", status: 507 };
    expect(inOneLine(explainFailure({ kind: "server", ...full }))).toBe(
      "The server's disk is full; nothing was accepted. Free some space on it, then try again. In its log this is request req_1.",
    );
  });

  test("[CLIENT5] a code this client does not know still says something", () => {
    const failure = { kind: "refused", ...refusal, code: "new_code", detail: "Too blue" } as const;
    expect(inOneLine(explainFailure(failure))).toBe("The server refused this (429). Too blue.");
    expect(explainTaskError({ code: "new_code", message: "" }).what).toBe("It failed (new_code).");
  });
});
