/** Commits to the store of a data folder (argument 1) until it is killed, and prints the number of each commit. */
import { writeSync } from "node:fs";

import { openNodeStore } from "../../src/adapters/node-sqlite/node-store.ts";
import { append, entries, group } from "../contracts/store-groups.ts";

const STREAM = "task_a/1";
const store = openNodeStore(process.argv[2] ?? "");
store.commit(group({ streams: [{ op: "open", stream: STREAM, epoch: 1 }] }));
for (let seq = 1; ; seq += 1) {
  const row = { op: "append" as const, stream: STREAM, epoch: 1, ...entries(seq - 1, 1) };
  store.commit(group({ appends: [append("task/a", seq)], streams: [row] }));
  // Not through process.stdout: a line may only be seen by the parent if the commit before it is done.
  writeSync(1, `${seq}\n`);
}
