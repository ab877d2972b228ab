import { expect, test } from "vitest";

import { SocketLine } from "./socket-line.ts";

interface Seen {
  readonly sent: string[];
  readonly closes: number[];
  pings: number;
  aborts: number;
  over: number;
  waitingBytes: number;
}

function open(stallTicksMax = 3): { line: SocketLine; seen: Seen } {
  const seen: Seen = { sent: [], closes: [], pings: 0, aborts: 0, over: 0, waitingBytes: 0 };
  const port = {
    get waitingBytes() {
      return seen.waitingBytes;
    },
    send: (text: string) => void seen.sent.push(text),
    close: (code: number) => void seen.closes.push(code),
    ping: () => void (seen.pings += 1),
    abort: () => void (seen.aborts += 1),
  };
  const limits = { queueBytes: 1_000, stallTicksMax };
  return { line: new SocketLine(port, limits, () => void (seen.over += 1)), seen };
}

function tick(line: SocketLine, times: number): void {
  for (let time = 0; time < times; time += 1) line.tick();
}

test("[WS6] a socket is pinged every 25 ticks; one that answers lives, one that misses two pings is ended", () => {
  const { line, seen } = open();
  for (let round = 0; round < 10; round += 1) {
    tick(line, 25);
    line.pong();
  }
  expect([seen.pings, line.isOpen]).toEqual([10, true]);
  tick(line, 74);
  expect([seen.pings, line.isOpen]).toEqual([12, true]);
  tick(line, 1);
  expect(seen).toMatchObject({ pings: 12, aborts: 1, over: 1, closes: [] });
  tick(line, 100);
  line.closed();
  expect(seen).toMatchObject({ pings: 12, aborts: 1, over: 1 });
});

test("[WS5] a reader that takes nothing while something waits is closed with 1013; one that takes a little is not", () => {
  const { line, seen } = open();
  line.live(["x"]);
  seen.waitingBytes = 900;
  for (let round = 0; round < 20; round += 1) {
    tick(line, 3);
    line.room();
  }
  expect(line.isOpen).toBe(true);
  tick(line, 5);
  expect([seen.closes, seen.over]).toEqual([[1013], 1]);
  line.live(["y"]);
  expect(seen.sent).toEqual(["x"]);
});

test("[WS5] whoever waits for room is let go when there is some, and when the socket is over", async () => {
  const { line, seen } = open();
  expect(line.stored(["a"])).toBeUndefined();
  seen.waitingBytes = 200_000;
  const waits = line.stored(["b"]);
  line.room();
  seen.waitingBytes = 100_000;
  line.room();
  await waits;
  seen.waitingBytes = 200_000;
  const gone = line.stored(["c"]);
  line.closed();
  await gone;
  expect(line.stored(["d"])).toBeUndefined();
  expect([seen.sent.join(""), seen.over]).toEqual(["abc", 1]);
});
