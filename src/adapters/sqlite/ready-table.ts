import { ErrandError } from "../../core/errors.ts";
import type { ReadyRequest } from "../../core/rows.ts";
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
      upsert.run(queue, request.seq, call, JSON.stringify(request)),
    remove: ({ queue, call }) => remove.run(queue, call),
    list: (queue, afterSeq, limit) =>
      select.all(queue, afterSeq, limit).map((row) => {
        const call = textOf(row, "call");
        return { call, request: requestOf(call, JSON.parse(textOf(row, "request"))) };
      }),
  };
}

/** The row is this store's own JSON of a `ReadyRequest`: the check is for damage, not for shape. */
function requestOf(call: string, value: unknown): ReadyRequest {
  if (!isRequest(value)) {
    throw new ErrandError("internal", `the ready row of call ${call} is damaged`);
  }
  return value;
}

function isRequest(value: unknown): value is ReadyRequest {
  return (
    typeof value === "object" &&
    value !== null &&
    "seq" in value &&
    typeof value.seq === "number" &&
    "task" in value &&
    typeof value.task === "string"
  );
}
