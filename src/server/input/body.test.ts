import { expect, test } from "vitest";

import { ErrandError } from "../../core/errors.ts";
import { bodyBytesMax, readJsonBody } from "./body.ts";

const encoder = new TextEncoder();

function post(
  body: BodyInit | null,
  headers: Record<string, string> = { "content-type": "application/json" },
): Request {
  return new Request("http://localhost/", { method: "POST", body, headers });
}

async function codeOf(request: Request): Promise<string> {
  try {
    return JSON.stringify(await readJsonBody(request)) ?? "undefined";
  } catch (error) {
    return error instanceof ErrandError ? error.code : String(error);
  }
}

/** A body that comes in pieces, and without a length; `pulled` counts the pieces that were asked for. */
function pieces(
  count: number,
  bytes: number,
): { readonly request: Request; readonly pulled: () => number } {
  let pulled = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += 1;
      if (pulled > count) controller.close();
      else controller.enqueue(new Uint8Array(bytes).fill(0x20));
    },
  });
  const init = {
    method: "POST",
    body: stream,
    duplex: "half",
    headers: { "content-type": "application/json" },
  };
  return { request: new Request("http://localhost/", init), pulled: () => pulled };
}

test("[HTTP3] JSON in UTF-8 is read, with or without a charset, and no body is no value", async () => {
  expect(await readJsonBody(post('{"a":1}'))).toEqual({ a: 1 });
  expect(
    await readJsonBody(post('{"a":1}', { "content-type": "application/json; charset=UTF-8" })),
  ).toEqual({ a: 1 });
  expect(
    await readJsonBody(post('{"a":1}', { "content-type": "application/merge-patch+json" })),
  ).toEqual({ a: 1 });
  expect(await readJsonBody(post(null, {}))).toBeUndefined();
  expect(await readJsonBody(post("\uFEFF[1]"))).toEqual([1]);
});

test.each([
  ["text/plain", {}],
  ["multipart/form-data; boundary=x", {}],
  ["application/x-www-form-urlencoded", {}],
  ["application/json; charset=utf-16", {}],
  ["application/jsonp", {}],
  ["application/json", { "content-encoding": "gzip" }],
])("[HTTP3] a body that says to be %s %o is refused by its type", async (type, more) => {
  expect(await codeOf(post("{}", { "content-type": type, ...more }))).toBe(
    "unsupported_media_type",
  );
});

test("[HTTP3] a body without a type is refused by its type", async () => {
  expect(await codeOf(post(encoder.encode("{}"), {}))).toBe("unsupported_media_type");
});

test.each([
  "{",
  "{}{}",
  "// a\n{}",
  "{'a':1}",
  '{"a":NaN}',
  "undefined",
  "\u0000",
  '{"a":1,}',
  '"\\ud83d',
  "[1]]",
])("[HTTP3] %j is refused as not JSON", async (text) => {
  expect(await codeOf(post(text))).toBe("invalid_request");
});

test("[HTTP3] bytes that are not UTF-8 are refused, not repaired", async () => {
  expect(await codeOf(post(new Uint8Array([0x22, 0xff, 0x22])))).toBe("invalid_request");
  // UTF-16 with its mark.
  expect(await codeOf(post(new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0])))).toBe(
    "invalid_request",
  );
  // An overlong slash.
  expect(await codeOf(post(new Uint8Array([0x22, 0xc0, 0xaf, 0x22])))).toBe("invalid_request");
});

test("[SEC6] a body above 1 MiB is refused, with or without a declared length, and no more of it is read", async () => {
  expect(await codeOf(post(" ".repeat(bodyBytesMax + 1)))).toBe("too_large");
  expect(
    await codeOf(
      post("{}", { "content-type": "application/json", "content-length": "99999999999" }),
    ),
  ).toBe("too_large");
  const flood = pieces(1_000, 65_536);
  expect(await codeOf(flood.request)).toBe("too_large");
  expect(flood.pulled()).toBeLessThan(25);
  const full = `[${" ".repeat(bodyBytesMax - 2)}]`;
  expect(await codeOf(post(full))).toBe("[]");
});

test("[SEC6] 64 levels are read, 65 are not, and 400,000 do not overflow anything", async () => {
  const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  expect(await codeOf(post(nested(64)))).toBe(nested(64));
  expect(await codeOf(post(nested(65)))).toBe("invalid_request");
  expect(await codeOf(post(nested(400_000)))).toBe("invalid_request");
  expect(await codeOf(post('{"a":'.repeat(80_000) + "1" + "}".repeat(80_000)))).toBe(
    "invalid_request",
  );
});

test("[SEC18] numbers that no double can hold are refused, others are what they are", async () => {
  expect(await codeOf(post("[1e400]"))).toBe("invalid_request");
  expect(await codeOf(post('{"a":[{"b":-1e999}]}'))).toBe("invalid_request");
  expect(await readJsonBody(post("[1e308, -0, 0.1]"))).toEqual([1e308, -0, 0.1]);
});

test("[SEC18] lone surrogates, strange keys and repeated keys are data", async () => {
  expect(await readJsonBody(post('["\\ud83d","\\u0000"]'))).toEqual(["\ud83d", "\u0000"]);
  const value = await readJsonBody(
    post(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toJSON":1,"then":1,"a":1,"a":2}',
    ),
  );
  expect(Object.keys(value as object)).toEqual(["__proto__", "constructor", "toJSON", "then", "a"]);
  expect((value as { a: number }).a).toBe(2);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});
