import type { Scope } from "../../core/scope.ts";
import type { SyncStore, TimerPut } from "../../ports/store.ts";
import { numberOf, scopeOf, textOf } from "./columns.ts";
import type { Driver } from "./driver.ts";
import {
  deleteTimer,
  deleteTimers,
  selectTimerNext,
  selectTimersDue,
  upsertTimer,
} from "./statements.ts";

/** Named timers of scopes. */
export interface TimerTable {
  put(timer: TimerPut): void;
  readonly due: SyncStore["timersDue"];
  readonly next: SyncStore["timerNext"];
  /** Removes every timer of a scope. */
  remove(scope: Scope): void;
}

/** Opens the table `timer`. */
export function openTimerTable(driver: Driver): TimerTable {
  const upsert = driver.prepare(upsertTimer);
  const removeOne = driver.prepare(deleteTimer);
  const removeAll = driver.prepare(deleteTimers);
  const selectDue = driver.prepare(selectTimersDue);
  const selectNext = driver.prepare(selectTimerNext);
  return {
    put({ scope, name, atMs }) {
      if (atMs === null) removeOne.run(scope, name);
      else upsert.run(scope, name, atMs);
    },
    due: (atMs, limit) =>
      selectDue.all(atMs, limit).map((row) => ({
        scope: scopeOf(row, "scope"),
        name: textOf(row, "name"),
        atMs: numberOf(row, "at_ms"),
      })),
    next() {
      const row = selectNext.get();
      return row === undefined ? null : numberOf(row, "at_ms");
    },
    remove: (scope) => removeAll.run(scope),
  };
}
