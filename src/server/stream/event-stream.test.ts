import { expect, test } from "vitest";

import { EventStream } from "./event-stream.ts";

const bytes = (count: number): Uint8Array => new Uint8Array(count).fill(0x2e);

function open(limits: { readonly queueBytes?: number; readonly stallTicksMax?: number } = {}): {
  stream: EventStream;
  closed: () => number;
} {
  let closed = 0;
  const events = { closed: () => void (closed += 1) };
  const stream = new EventStream({ queueBytes: 1_000_000, stallTicksMax: 60, ...limits }, events);
  return { stream, closed: () => closed };
}

function bodyOf(stream: EventStream): ReadableStream<Uint8Array> {
  return stream.body ?? expect.fail("the stream has no body");
}

async function textOf(stream: EventStream): Promise<string> {
  return await new Response(stream.body).text();
}

test("[SSE6] a quiet stream says every 14 ticks that it lives, and a busy one does not", async () => {
  const { stream } = open();
  const reader = bodyOf(stream).getReader();
  for (let tick = 0; tick < 13; tick += 1) stream.tick();
  stream.write(new TextEncoder().encode("data: 1\n\n"));
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("data: 1\n\n");
  for (let tick = 0; tick < 14; tick += 1) stream.tick();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe(": keep-alive\n\n");
  stream.end();
  expect((await reader.read()).done).toBe(true);
});

test("[SSE5] a reader for whom too many live events wait is dropped, and it looks like a lost network", async () => {
  const { stream, closed } = open({ queueBytes: 10_000 });
  for (let chunk = 0; chunk < 10; chunk += 1) stream.write(bytes(1_000));
  expect(stream.isOpen).toBe(true);
  stream.write(bytes(1));
  expect(stream.isOpen).toBe(false);
  expect(closed()).toBe(1);
  await expect(textOf(stream)).rejects.toThrow("too slow");
  stream.write(bytes(1));
  stream.end();
  expect(closed()).toBe(1);
});

test("[SSE5] stored events wait for their reader, whatever their number", async () => {
  const { stream } = open({ queueBytes: 10 });
  let written = 0;
  const writer = (async () => {
    for (; written < 50; written += 1) await stream.writeStored(bytes(65_536));
    stream.end();
  })();
  await Promise.resolve();
  expect(written).toBeLessThan(4);
  expect((await textOf(stream)).length).toBe(50 * 65_536);
  await writer;
});

test("[SSE5] a reader that takes nothing for too long is dropped, and who waits for it goes on", async () => {
  const { stream, closed } = open({ stallTicksMax: 3 });
  const room = stream.writeStored(bytes(200_000));
  for (let tick = 0; tick < 3; tick += 1) stream.tick();
  expect(stream.isOpen).toBe(true);
  stream.tick();
  expect(stream.isOpen).toBe(false);
  expect(closed()).toBe(1);
  await room;
});

test("[SSE5] a reader that takes something now and then is kept", async () => {
  const { stream } = open({ stallTicksMax: 2 });
  const reader = bodyOf(stream).getReader();
  for (let round = 0; round < 5; round += 1) {
    stream.write(bytes(150_000));
    stream.tick();
    stream.tick();
    await reader.read();
  }
  expect(stream.isOpen).toBe(true);
});

test("[SSE5] a reader that is on its way through stored events is not dropped for a sign of life", async () => {
  const { stream } = open({ queueBytes: 10 });
  const reader = bodyOf(stream).getReader();
  for (let chunk = 0; chunk < 30; chunk += 1) void stream.writeStored(bytes(20_000));
  for (let tick = 0; tick < 28; tick += 1) {
    await reader.read();
    stream.tick();
  }
  expect(stream.isOpen).toBe(true);
});

test("[SSE7] a client that goes away closes the stream once", async () => {
  const { stream, closed } = open();
  stream.write(bytes(3));
  await bodyOf(stream).cancel();
  expect(stream.isOpen).toBe(false);
  expect(closed()).toBe(1);
  stream.break("late");
  stream.tick();
  expect(closed()).toBe(1);
  expect(stream.writeStored(bytes(1))).toBeUndefined();
});

test("[SSE8] one chunk is shared by all its readers: nothing copies it or takes it away", async () => {
  const chunk = bytes(100);
  const streams = [open().stream, open().stream];
  for (const stream of streams) stream.write(chunk);
  for (const stream of streams) expect((await bodyOf(stream).getReader().read()).value).toBe(chunk);
  expect(chunk.byteLength).toBe(100);
});
