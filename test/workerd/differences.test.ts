import { expect, test } from "vitest";

import { edgeDifferences, type Sight } from "../hosts/differences.ts";
import type { Send } from "../hosts/journey.ts";
import { openGate } from "../hosts/steered.ts";
import { EdgeClient } from "./edge-client.ts";

const admin = new EdgeClient();

function sendOf(client: EdgeClient): Send {
  return (method, path, body, headers = {}) => client.fetch(path, body, { method, headers });
}

for (const [index, { what, seen }] of edgeDifferences.entries()) {
  if (!("look" in seen)) continue;
  test(`[HOME13] edge: ${what}`, async () => {
    const own = await admin.userWithKey(`sees${index}`);
    const sight: Sight = {
      own: sendOf(own),
      admin: sendOf(admin),
      async pings(count) {
        const socket = await own.socket("/ws/tasks");
        for (let n = 0; n < count; n += 1) socket.send('{"t":"ping"}');
        let pongs = 0;
        const answered = socket.until(({ t }) => t === "pong" && (pongs += 1) === count);
        return await Promise.race([
          answered.then(() => "answered" as const),
          socket.closed.then(() => "closed" as const),
        ]);
      },
    };
    expect(await seen.look(sight)).toEqual(seen.edge);
    openGate("never");
  });
}
