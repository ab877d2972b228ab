import type { OpenOutlet } from "../../server/index.ts";

/**
 * An outlet through the writer of a byte stream: what an object writes there leaves it only when everything it stored
 * before is durable, which is not promised of a stream that is made in JavaScript.
 */
export const writerOutlet: OpenOutlet = ({ room, closed }) => {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  let waitingBytes = 0;
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    closed();
  };
  writer.closed.then(over, over);
  return {
    body: readable,
    get waitingBytes() {
      return waitingBytes;
    },
    write(chunk) {
      if (isOver) return;
      waitingBytes += chunk.byteLength;
      // A transferred buffer would be gone for the other readers of the same event.
      writer.write(chunk.slice()).then(() => {
        waitingBytes -= chunk.byteLength;
        room();
      }, over);
    },
    end() {
      isOver = true;
      writer.close().catch(() => undefined);
    },
    fail(reason) {
      isOver = true;
      writer.abort(new Error(reason)).catch(() => undefined);
    },
  };
};
