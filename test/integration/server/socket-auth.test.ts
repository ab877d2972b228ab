import { expect, test, vi } from "vitest";

import { keyFor, openDoor } from "./door.ts";
import { openInside } from "./socket-client.ts";

test("[WS3] a good key for which there is no room is told so, and is not called a bad one", async () => {
  const locked = await openDoor({ auth: true, settings: { limits: { socketsPerUser: 1 } } });
  const key = await keyFor(locked, "ann");
  const auth = JSON.stringify({ t: "auth", key });
  const first = await openInside(locked, "/ws/tasks");
  first.socket?.events.received(auth);
  await first.socket?.until(({ t }) => t === "ev");
  const { socket } = await openInside(locked, "/ws/tasks");
  socket?.events.received(auth);
  const refused = (await socket?.until(({ t }) => t === "err"))?.at(-1);
  expect(refused?.code).toBe("rate_limited");
  await vi.waitFor(() => expect(socket?.closes).toMatchObject([{ code: 1013 }]));
  await locked.close();
});
