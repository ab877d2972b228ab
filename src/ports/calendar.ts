/** Reads cron fields on the clock of a time zone. Pure for a given time-zone database, but that database is the host's. */
export interface Calendar {
  /** What is wrong with the fields or the zone, as an end of the sentence "... must be"; `null`: nothing. */
  problem(
    cron: string,
    timeZone: string,
  ): { readonly field: "cron" | "timeZone"; readonly message: string } | null;
  /** The next ticks after `afterMs`, ascending, at most `count`; fewer if there will be no more. */
  next(cron: string, timeZone: string, afterMs: number, count: number): readonly number[];
  /** IANA name of the zone this host is in. */
  readonly timeZone: string;
}
