import { numberOf, textOf } from "./columns.ts";
import type { Driver } from "./driver.ts";
import {
  deleteOldStreamRows,
  deleteStreamRows,
  moveStreamRow,
  selectStreamRows,
} from "./statements.ts";
import {
  rowHolding,
  type OpenStream,
  type StreamChange,
  type StreamIndex,
} from "./stream-index.ts";

/** Dead rows that may wait behind the row of a stream that stays open, before that row is moved out of the way. */
const deadRowsMax = 4_096;
/** Dead rows for each live one beyond which live rows are moved: a row is then copied for three that are freed. */
const deadPerLive = 3;

/**
 * Removes rows of closed streams from the old end of `stream_row`, as part of a commit that writes streams. Deleting
 * them at the close itself would dirty every page the stream shares with others (500 streams that grow together: 20
 * times the bytes) and stop the loop for as long as the stream is; from the old end each page is freed once, and
 * `rowsMax` bounds the work of one commit. A row of a stream that is still open is in the way of those behind it:
 * when they are many, it is moved to the new end, so that a stream that waits for days holds up nothing.
 */
export type StreamSweep = (index: StreamIndex, change: StreamChange, rowsMax: number) => void;

/** Prepares the sweep of one database. */
export function openStreamSweep(driver: Driver): StreamSweep {
  const selectOld = driver.prepare(selectStreamRows);
  const move = driver.prepare(moveStreamRow);
  const deleteOld = driver.prepare(deleteOldStreamRows);
  const deleteAll = driver.prepare(deleteStreamRows);

  return (index, change, rowsMax) => {
    const dead = index.stored - index.live;
    if (dead === 0) return;
    if (index.live === 0) {
      deleteAll.run();
      change.swept = index.stored;
      change.blockedBy = null;
      return;
    }
    const crowded = dead > deadRowsMax && dead > deadPerLive * index.live;
    if (index.blockedBy !== null && !crowded) return;
    let sweptTo = 0;
    change.blockedBy = null;
    for (const row of selectOld.all(0, rowsMax)) {
      const id = numberOf(row, "id");
      const stream = textOf(row, "stream");
      const open = index.open.get(stream);
      const at = open === undefined ? -1 : positionOf(open, id, numberOf(row, "n"));
      if (open === undefined || at === -1) {
        change.swept += 1;
      } else if (crowded) {
        move.run(change.nextId, id);
        change.moves.push({ open, at, id: change.nextId });
        change.nextId += 1;
      } else {
        change.blockedBy = stream;
        break;
      }
      sweptTo = id;
    }
    if (sweptTo > 0) deleteOld.run(sweptTo);
  };
}

/** Position of a row in its stream, or -1 if it belonged to an earlier stream of that name. */
function positionOf(open: OpenStream, id: number, n: number): number {
  const at = rowHolding(open, n);
  return open.ids[at] === id ? at : -1;
}
