import { ErrandError } from "../../core/errors.ts";
import type { StreamHead, StreamOp, StreamRow } from "../../ports/store.ts";
import type { BodyParts } from "./body-parts.ts";
import { bytesOf, numberOf, numberOrNull } from "./columns.ts";
import type { Driver, SqlRow } from "./driver.ts";
import {
  deleteBlocksBetween,
  deleteOpenStream,
  deleteStreamsBetween,
  insertClosedStream,
  insertStreamBlock,
  insertStreamRow,
  selectClosedStream,
  selectStreamBlocks,
  selectStreamRow,
  upsertOpenStream,
} from "./statements.ts";
import {
  applyChange,
  dropStream,
  headAfter,
  openHead,
  rowHolding,
  type StreamChange,
  type StreamIndex,
} from "./stream-index.ts";
import { loadStreamIndex } from "./stream-recovery.ts";
import { openStreamSweep } from "./stream-sweep.ts";

/** Streams: rows while they are open, blocks once they are closed. */
export interface StreamTables {
  head(stream: string): StreamHead | null;
  read(stream: string, from: number, rowsMax: number): readonly StreamRow[];
  openNames(): readonly string[];
  /** Streams that refuse an operation of the group, each once. */
  fenced(ops: readonly StreamOp[]): readonly string[];
  /** Writes the operations. Give the answer to {@link committed} when the transaction is through. */
  write(ops: readonly StreamOp[]): StreamChange;
  committed(change: StreamChange, ops: readonly StreamOp[]): void;
  /** Removes every stream of a task. */
  remove(taskId: string): void;
  /** Tells that the transaction that removed the streams of these tasks is through. */
  removed(taskIds: readonly string[]): void;
  /** Reads the index from the disk again, because another handle may have written. */
  rebuild(): void;
}

/** Opens the tables `stream`, `stream_row` and `stream_block`. */
export function openStreamTables(driver: Driver, parts: BodyParts): StreamTables {
  const selectHead = driver.prepare(selectClosedStream);
  const write = openStreamWriter(driver, parts);
  const read = openStreamReader(driver, parts);
  const remove = openStreamRemover(driver, parts);
  let index = loadStreamIndex(driver);

  function head(stream: string): StreamHead | null {
    const open = openHead(index, stream);
    if (open !== null) return open;
    const row = selectHead.get(stream);
    if (row === undefined) return null;
    return { epoch: numberOf(row, "epoch"), tail: numberOf(row, "tail"), closed: true };
  }

  return {
    head,
    read: (stream, from, rowsMax) => read(index, stream, from, rowsMax),
    openNames: () => [...index.open.keys()].toSorted(),
    fenced(ops) {
      const fenced = new Set<string>();
      const heads = new Map<string, StreamHead>();
      for (const op of ops) {
        const next = headAfter(heads.get(op.stream) ?? head(op.stream), op);
        if (next === null) fenced.add(op.stream);
        else heads.set(op.stream, next);
      }
      return [...fenced];
    },
    write: (ops) => write(index, ops),
    committed: (change, ops) => applyChange(index, change, ops),
    remove,
    removed(taskIds) {
      const tasks = new Set(taskIds);
      for (const stream of index.open.keys()) {
        if (tasks.has(stream.slice(0, stream.indexOf("/")))) dropStream(index, stream);
      }
    },
    rebuild() {
      index = loadStreamIndex(driver);
    },
  };
}

function openStreamWriter(
  driver: Driver,
  parts: BodyParts,
): (index: StreamIndex, ops: readonly StreamOp[]) => StreamChange {
  const upsertOpen = driver.prepare(upsertOpenStream);
  const deleteOpen = driver.prepare(deleteOpenStream);
  const insertClosed = driver.prepare(insertClosedStream);
  const insertRow = driver.prepare(insertStreamRow);
  const insertBlock = driver.prepare(insertStreamBlock);
  const sweep = openStreamSweep(driver);

  function close({ stream, epoch, blocks }: Extract<StreamOp, { op: "close" }>): void {
    const last = blocks.at(-1);
    deleteOpen.run(stream);
    insertClosed.run(stream, epoch, last === undefined ? 0 : last.n + last.count);
    for (const { n, count, body } of blocks) {
      insertBlock.run(stream, n, count, parts.put(blockOwner(stream), n, body));
    }
    parts.drop(rowOwner(stream));
  }

  /** Writes a row; `carrierBehind`: how many rows further on the one comes that has its body. */
  function append(op: Append, change: StreamChange, carrierBehind: number): void {
    const id = change.nextId;
    const body = carrierBehind > 0 ? noBody : parts.put(rowOwner(op.stream), op.n, op.body);
    const carrier = op.shared === true ? id + carrierBehind : null;
    insertRow.run(id, op.stream, op.n, op.count, body, carrier);
    change.appended.push(id);
    change.nextId = id + 1;
  }

  return (index, ops) => {
    const { nextId, blockedBy } = index;
    const change: StreamChange = { nextId, moves: [], appended: [], swept: 0, blockedBy };
    // Twice as many as are written, so that the sweep catches up.
    sweep(index, change, 64 + 2 * ops.length);
    for (const [at, op] of ops.entries()) {
      switch (op.op) {
        case "open":
          upsertOpen.run(op.stream, op.epoch, change.nextId);
          break;
        case "append":
          append(op, change, behind(ops, at));
          break;
        case "close":
          close(op);
          break;
      }
    }
    return change;
  };
}

type Append = Extract<StreamOp, { op: "append" }>;

/** What a row stores of a body that another row has. */
const noBody = new Uint8Array(0);

/** How many of the appends right behind one share its body. */
function behind(ops: readonly StreamOp[], at: number): number {
  const op = ops[at];
  if (op?.op !== "append" || op.shared !== true) return 0;
  for (let last = at; ; last += 1) {
    const next = ops[last + 1];
    if (next?.op !== "append" || next.body !== op.body) return last - at;
  }
}

type StreamReader = (
  index: StreamIndex,
  stream: string,
  from: number,
  rowsMax: number,
) => readonly StreamRow[];

function openStreamReader(driver: Driver, parts: BodyParts): StreamReader {
  const selectRow = driver.prepare(selectStreamRow);
  const selectBlocks = driver.prepare(selectStreamBlocks);

  function rowOf(row: SqlRow, owner: string): StreamRow {
    const n = numberOf(row, "n");
    const body = parts.whole(owner, n, bytesOf(row, "body"));
    return { n, count: numberOf(row, "count"), body };
  }

  function stored(id: number, stream: string): SqlRow {
    const row = selectRow.get(id);
    if (row !== undefined) return row;
    throw new ErrandError("internal", `row ${id} of stream ${stream} is gone from the store`);
  }

  function openRow(id: number, stream: string): StreamRow {
    const row = stored(id, stream);
    const carrier = numberOrNull(row, "carrier");
    if (carrier === null) return rowOf(row, rowOwner(stream));
    const body = bytesOf(carrier === id ? row : stored(carrier, stream), "body");
    return { n: numberOf(row, "n"), count: numberOf(row, "count"), body, shared: true };
  }

  return (index, stream, from, rowsMax) => {
    const open = index.open.get(stream);
    if (open === undefined) {
      return selectBlocks
        .all(stream, from, rowsMax)
        .map((row) => rowOf(row, blockOwner(stream)))
        .filter((row) => row.n + row.count > from);
    }
    if (from >= open.tail) return [];
    const first = rowHolding(open, from);
    return open.ids.slice(first, first + rowsMax).map((id) => openRow(id, stream));
  };
}

/** "0" is the character after "/": what lies between is every stream of the task. */
function openStreamRemover(driver: Driver, parts: BodyParts): (taskId: string) => void {
  const deleteHeads = driver.prepare(deleteStreamsBetween);
  const deleteBlocks = driver.prepare(deleteBlocksBetween);
  return (taskId) => {
    const [after, before] = [`${taskId}/`, `${taskId}0`];
    for (const closed of [0, 1]) deleteHeads.run(closed, after, before);
    deleteBlocks.run(after, before);
    parts.dropBetween(rowOwner(after), rowOwner(before));
    parts.dropBetween(blockOwner(after), blockOwner(before));
  };
}

function rowOwner(stream: string): string {
  return `stream/${stream}`;
}

function blockOwner(stream: string): string {
  return `block/${stream}`;
}
