import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSseParser } from "./sse.ts";
import type { SseItem } from "./sse.ts";

function parse(pieces: readonly string[]): SseItem[] {
  const parser = createSseParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

const sample =
  "\uFEFF: hello\r\n\r\n" +
  'event: token\nid: 3.1.2\ndata: {"a":1}\n\n' +
  ":keep-alive\n\n" +
  "data: one\r\ndata:two\rdata:  three\r\n\r\n" +
  "id: 4\n\n" +
  "event: odd\ndata\n\n" +
  "unknown: field\nid: bad\0id\ndata: 😀 end\n\n";

const sampleItems: SseItem[] = [
  { kind: "comment" },
  { kind: "event", name: "token", data: '{"a":1}', id: "3.1.2" },
  { kind: "comment" },
  { kind: "event", name: "message", data: "one\ntwo\n three", id: null },
  { kind: "event", name: "odd", data: "", id: null },
  { kind: "event", name: "message", data: "😀 end", id: null },
];

describe("event stream parser", () => {
  test("[CLIENT1] a stream in one piece gives its events, comments and ids", () => {
    expect(parse([sample])).toEqual(sampleItems);
  });

  test("[CLIENT1] cutting the stream in two at any position changes nothing", () => {
    for (let cut = 0; cut <= sample.length; cut += 1) {
      expect(parse([sample.slice(0, cut), sample.slice(cut)])).toEqual(sampleItems);
    }
  });

  test("[CLIENT1] any cut into many pieces, also single bytes of UTF-8, changes nothing", () => {
    const bytes = new TextEncoder().encode(sample);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length })), (cuts) => {
        const ends = [...cuts, bytes.length].toSorted((a, b) => a - b);
        const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
        let start = 0;
        const pieces = ends.map((end) => {
          const piece = decoder.decode(bytes.subarray(start, end), { stream: true });
          start = end;
          return piece;
        });
        expect(parse(pieces)).toEqual(sampleItems);
      }),
    );
  });

  test("[CLIENT1] an event that never ends is refused, not collected without limit", () => {
    const parser = createSseParser();
    const piece = `data: ${"x".repeat(1_000_000)}`;
    for (let count = 0; count < 4; count += 1) parser.push(piece);
    expect(() => parser.push(piece)).toThrow("longer than 4194304 characters");
  });

  test("[CLIENT1] many short lines of one event count against the limit too", () => {
    const parser = createSseParser();
    const lines = `data: ${"x".repeat(999_000)}\n`;
    for (let count = 0; count < 4; count += 1) parser.push(lines);
    expect(() => parser.push(lines)).toThrow("longer than 4194304 characters");
  });
});
