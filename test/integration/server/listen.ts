/** A door behind a real socket, as the embedded host puts it there. */
import type { Duplex } from "node:stream";
import { connect, type AddressInfo, type Socket } from "node:net";

import { httpServer } from "../../../src/hosts/embedded/socket-listener.ts";
import type { Door } from "./door.ts";

/** A door that listens. */
export interface Listening {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** Lets a door listen on a free port of loopback. */
export async function listen({ server }: Door): Promise<Listening> {
  const http = httpServer(server);
  // A socket that was upgraded is no connection of the server any more, and would hold its close back.
  const upgraded = new Set<Duplex>();
  http.on("upgrade", (_request, socket) => void upgraded.add(socket));
  await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
        for (const socket of upgraded) socket.destroy();
      }),
  };
}

/** A raw connection. */
export interface Wire {
  readonly socket: Socket;
  /** Everything that came until the other side closed, or until it says `enough`. */
  read(enough?: (text: string) => boolean): Promise<string>;
}

/** Opens a raw connection and sends bytes. */
export function dial(port: number, ...pieces: readonly (string | Uint8Array)[]): Wire {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  let closed = false;
  let look = (): void => {};
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    look();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
    look();
  });
  for (const piece of pieces) socket.write(piece);
  return {
    socket,
    read: (enough = () => false) =>
      new Promise((resolve) => {
        look = () => {
          if (closed || enough(text)) resolve(text);
        };
        look();
      }),
  };
}
