import { ErrandError } from "../../core/errors.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { StreamOp, StreamRow } from "../../ports/store.ts";

/**
 * Rows of one commit that are sealed together. Sealing costs some 10 us however short a text is, more than writing its
 * row; a reader has to open what it shares, and a row that is moved takes a copy of it along.
 */
const shareRowsMax = 16;

/** A longer row is sealed by itself: then its own length costs more than the sealing. */
const shareCharsMax = 2_048;

/** Where a body that several rows share is sealed to. Its text names each of them, so that it opens as no other. */
const sharedPlace = "stream rows";

/** Entries that a commit appends to one stream, as JSON. */
export interface Append {
  readonly user: string;
  readonly stream: string;
  readonly epoch: number;
  readonly n: number;
  readonly count: number;
  readonly json: string;
}

/** Seals the appends of one commit. Short ones of the same user share a body, which the operations of both then name. */
export function sealAppends(cipher: Cipher, appends: readonly Append[]): StreamOp[] {
  const operations: StreamOp[] = [];
  const short = new Map<string, Append[]>();
  const flush = (rows: readonly Append[]): void => {
    const [first] = rows;
    if (first === undefined) return;
    if (rows.length === 1) return void operations.push(operationOf(first, sealOne(cipher, first)));
    const body = cipher.seal(first.user, sharedPlace, sharedText(rows));
    for (const row of rows) operations.push({ ...operationOf(row, body), shared: true });
  };
  for (const append of appends) {
    if (append.json.length > shareCharsMax) {
      flush([append]);
      continue;
    }
    const rows = short.get(append.user);
    if (rows === undefined) short.set(append.user, [append]);
    else if (rows.push(append) === shareRowsMax) flush(rows.splice(0));
  }
  for (const rows of short.values()) flush(rows);
  return operations;
}

/** The JSON of a stored row. Throws `internal` if it cannot be opened, or if its shared body does not hold it. */
export function openRow(cipher: Cipher, stream: string, { n, body, shared }: StreamRow): string {
  if (shared !== true) return cipher.open(placeOf(stream, n), body);
  const text = cipher.open(sharedPlace, body);
  const headEnd = text.indexOf("\n");
  const wanted = placeOf(stream, n);
  let at = headEnd + 1;
  for (const [place, chars] of headOf(text.slice(0, headEnd))) {
    if (place === wanted) return text.slice(at, at + chars);
    at += chars;
  }
  throw new ErrandError(
    "internal",
    `the row at ${wanted} cannot be opened: it was changed, or belongs elsewhere`,
  );
}

function operationOf(append: Append, body: Uint8Array): Extract<StreamOp, { op: "append" }> {
  const { stream, epoch, n, count } = append;
  return { op: "append", stream, epoch, n, count, body };
}

function sealOne(cipher: Cipher, { user, stream, n, json }: Append): Uint8Array {
  return cipher.seal(user, placeOf(stream, n), json);
}

/** A line that says how long each row's JSON is, and behind it the rows. JSON has no raw line end. */
function sharedText(rows: readonly Append[]): string {
  let head = "";
  let text = "";
  for (const { stream, n, json } of rows) {
    head += `${head === "" ? "" : " "}${placeOf(stream, n)} ${json.length}`;
    text += json;
  }
  return `${head}\n${text}`;
}

function headOf(line: string): [string, number][] {
  const words = line.split(" ");
  const rows: [string, number][] = [];
  for (let at = 0; at + 1 < words.length; at += 2)
    rows.push([words[at] ?? "", Number(words[at + 1])]);
  return rows;
}

function placeOf(stream: string, n: number): string {
  return `${stream}#${n}`;
}
