import { ErrandError } from "../../core/errors.ts";
import { readyRequest, readyText } from "../../core/schedule/ready-text.ts";
import type { Group, SyncStore } from "../../ports/store.ts";
import { textOf } from "./columns.ts";
import type { Driver } from "./driver.ts";
import { deleteReady, selectReady, upsertReady } from "./statements.ts";

/** Calls that wait for a slot. */
export interface ReadyTable {
  put(row: Group["readyPut"][number]): void;
  remove(row: Group["readyGone"][number]): void;
  readonly list: SyncStore["ready"];
}

/** Opens the table `ready`. */
export function openReadyTable(driver: Driver): ReadyTable {
  const upsert = driver.prepare(upsertReady);
  const remove = driver.prepare(deleteReady);
  const select = driver.prepare(selectReady);
  return {
    put: ({ queue, call, request }) =>
      upsert.run(queue, request.seq, call, readyText(call, request)),
    remove: ({ queue, call }) => remove.run(queue, call),
    list: (queue, afterSeq, limit) =>
      select.all(queue, afterSeq, limit).map((row) => {
        const call = textOf(row, "call");
        const request = readyRequest(call, textOf(row, "request"));
        if (request !== null) return { call, request };
        throw new ErrandError("internal", `the ready row of call ${call} is damaged`);
      }),
  };
}
