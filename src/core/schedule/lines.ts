import { closedBy, isProbing, wideOpen, type Closed, type Opening } from "./opening.ts";
import type { Schedule } from "./state.ts";

/*
 * Endpoints that share a device share one queue, so that one decision grants a slot to either. Each is a line of its own:
 * it has slots of its own, and what it fails or asks for holds its own calls back and nobody else's (SPEC QUEUE27).
 */

/** What holds the endpoint of a call back: its line's, else the queue's. */
export function openingOf({ opening, lines }: Schedule, line: string | null): Opening {
  if (line === null) return opening;
  let own = lines.get(line);
  if (own === undefined) {
    own = wideOpen();
    lines.set(line, own);
  }
  return own;
}

/** Why a line grants nothing now; `null`: nothing holds it back. */
export function lineClosedBy(
  { lines }: Schedule,
  line: string | null,
  nowMs: number,
): Closed | null {
  const own = line === null ? undefined : lines.get(line);
  return own === undefined ? null : closedBy(own, nowMs);
}

/** True if a call of the line may go. One that was down, or is loading its model, is tried with one call at a time. */
export function isLineOpen(schedule: Schedule, line: string, nowMs: number): boolean {
  const own = schedule.lines.get(line);
  if (own === undefined) return true;
  if (closedBy(own, nowMs) !== null) return false;
  if (!isProbing(own)) return true;
  for (const lease of schedule.leases.values()) if (lease.line === line) return false;
  return true;
}

/** The first time at which a line opens again whose calls wait; `null`: none waits for that. */
export function linesOpenAtMs(schedule: Schedule, nowMs: number): number | null {
  let first: number | null = null;
  for (const band of schedule.bands) {
    for (const { line } of band.gates) {
      const closed = lineClosedBy(schedule, line, nowMs);
      if (closed !== null && (first === null || closed.untilMs < first)) first = closed.untilMs;
    }
  }
  return first;
}
