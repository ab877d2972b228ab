import { groupCommandsMax, groupCommandsMin, groupMsAim } from "../../core/limits.ts";

/** What the newest group counts in the mean: ten groups later the pace follows a change by nine tenths. */
const newest = 0.2;

/**
 * How many commands the next group takes: as many as recent ones had time for within {@link groupMsAim}, so that a
 * burst of costly commands is cut into more turns. What the disk takes does not count, because a slow one needs larger
 * groups and not smaller ones.
 */
export class Pace {
  #msEach = 0;

  /** Commands the next group may take. */
  get commandsMax(): number {
    const fit = this.#msEach === 0 ? groupCommandsMax : Math.floor(groupMsAim / this.#msEach);
    return Math.min(groupCommandsMax, Math.max(groupCommandsMin, fit));
  }

  /** A group of so many commands was busy for so long; a clock that was set back counts as no time. */
  took(commands: number, ms: number): void {
    if (commands === 0) return;
    this.#msEach += newest * (Math.max(0, ms) / commands - this.#msEach);
  }
}
