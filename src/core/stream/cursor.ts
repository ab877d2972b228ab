/**
 * Where a reader of a task's feed stands: every fact up to `seq` and, of attempt `attempt`, every stream entry
 * below `entry` have been seen. The order is total because a log row records how long the stream was when it was
 * committed (SPEC STREAM4). Clients treat the text form as opaque.
 */
export interface Cursor {
  readonly seq: number;
  readonly attempt: number;
  readonly entry: number;
}

/** The cursor before anything. */
export const cursorStart: Cursor = { seq: 0, attempt: 0, entry: 0 };

/** Text form of a cursor: `<seq>.<attempt>.<entry>`. */
export function formatCursor(cursor: Cursor): string {
  return `${cursor.seq}.${cursor.attempt}.${cursor.entry}`;
}

const cursorPattern = /^(\d{1,15})\.(\d{1,9})\.(\d{1,15})$/;

/** Reads a cursor's text form; `undefined` if it is not one. */
export function parseCursor(text: string): Cursor | undefined {
  const match = cursorPattern.exec(text);
  if (match === null) return undefined;
  return { seq: Number(match[1]), attempt: Number(match[2]), entry: Number(match[3]) };
}
