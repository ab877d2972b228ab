import { expect, test } from "vitest";

import { requestIdOf, traceparentOf } from "./request-id.ts";

const idOf = (value: string): string =>
  requestIdOf(new Headers({ "x-request-id": value }), () => "made");

test.each(["req_1", "01-ab.c:d/e+f=g", "a".repeat(128)])(
  "[HTTP1] the client's id %s is kept",
  (id) => {
    expect(idOf(id)).toBe(id);
  },
);

test.each(["", "a".repeat(129), "a b", "<script>", "-x", "a\u00e9", "a;b", '"a"'])(
  "[HTTP1] %j is replaced by an id of ours",
  (id) => {
    expect(idOf(id)).toBe("made");
  },
);

test("[HTTP1] a request without an id gets one", () => {
  expect(requestIdOf(new Headers(), () => "made")).toBe("made");
});

test("[HTTP12] a trace context is taken if it is well formed", () => {
  const of = (value: string): string | undefined =>
    traceparentOf(new Headers({ traceparent: value }));
  const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  expect(of(good)).toBe(good);
  expect(of("00-00000000000000000000000000000000-b7ad6b7169203331-01")).toBeUndefined();
  expect(of("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01")).toBeUndefined();
  expect(of(good.toUpperCase())).toBeUndefined();
  expect(of(`ff${good.slice(2)}`)).toBeUndefined();
  expect(of(`${good}-x`)).toBeUndefined();
});
