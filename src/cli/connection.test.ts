import { expect, onTestFinished, test, vi } from "vitest";

import { RequestFailed, type Failure } from "../client/index.ts";
import { connect, orExplain } from "./connection.ts";

/** What a command says on stderr when `thrown` ends it. */
async function saidOf(thrown: unknown): Promise<string> {
  const said: string[] = [];
  const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
  onTestFinished(() => {
    write.mockRestore();
    process.exitCode = undefined;
  });
  await orExplain("http://127.0.0.1:1", () => Promise.reject(thrown));
  expect(process.exitCode).toBe(1);
  return said.join("");
}

const refused = (code: string, status: number, detail: string): RequestFailed => {
  const failure: Failure = {
    kind: "refused",
    code,
    status,
    detail,
    fields: [],
    retryAfterMs: null,
    requestId: null,
  };
  return new RequestFailed(failure);
};

test("[CLI4] a failure is one line that says what to do at a terminal", async () => {
  const lost = new RequestFailed({ kind: "network", detail: "ECONNREFUSED" });
  expect(await saidOf(lost)).toMatch(
    /^errand: No connection.*127\.0\.0\.1:1\? Start it with: npm start\n$/,
  );
  expect(await saidOf(refused("unauthenticated", 401, ""))).toContain("ERRAND_API_KEY");
});

test("[CLI15] what the server says of a name is told", async () => {
  const detail = 'there is no task type "x"; there are: chat';
  expect(await saidOf(refused("unknown_type", 400, detail))).toContain(detail);
  expect(await saidOf(new Error("say what to do"))).toBe("errand: say what to do\n");
});

test("[CLI15] a server is named by a URL", () => {
  expect(() => connect("nonsense")).toThrow("--url must be a URL such as http://127.0.0.1:8787");
  expect(() => connect("ftp://a")).toThrow("--url must be a URL");
});
