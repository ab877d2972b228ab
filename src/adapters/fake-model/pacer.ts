/** Something that happens at times of its own: gets the time, answers when it wants to run again, or undefined. */
export interface PacedJob {
  run(nowMs: number): number | undefined;
}

interface Waiting {
  readonly job: PacedJob;
  dueMs: number;
}

/** Length of one slot of the wheel, in ms: jobs run at most this much late on a machine that is not busy. */
const slotMs = 2;
/** The wheel turns once in a second; what is due later stays in its slot for another turn. */
const slots = 512;

/**
 * Runs many jobs on one interval timer: a wheel of slots, so that a tick touches only the jobs that are due. 500 streams
 * at 50 tokens/s cost one timer, not 25,000. The timer exists only while there are jobs.
 */
export class Pacer {
  readonly #wheel: Waiting[][] = Array.from({ length: slots }, () => []);
  #count = 0;
  #slot = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Runs a job at a time of `performance.now()`; at once, in this turn, if that time has come. */
  add(job: PacedJob, dueMs: number): void {
    const nowMs = performance.now();
    const nextMs = dueMs <= nowMs ? job.run(nowMs) : dueMs;
    if (nextMs !== undefined) this.#place({ job, dueMs: nextMs }, nowMs);
  }

  /** Forgets all jobs. */
  clear(): void {
    for (const slot of this.#wheel) slot.length = 0;
    this.#count = 0;
    this.#stopIfIdle();
  }

  #place(waiting: Waiting, nowMs: number): void {
    if (this.#timer === undefined) {
      this.#slot = Math.floor(nowMs / slotMs);
      this.#timer = setInterval(() => this.#tick(), slotMs);
    }
    // At least one slot ahead: the slot of now may have been visited already.
    const slot = Math.max(Math.ceil(waiting.dueMs / slotMs), this.#slot + 1);
    this.#wheel[slot % slots]?.push(waiting);
    this.#count++;
  }

  #tick(): void {
    const nowMs = performance.now();
    const until = Math.floor(nowMs / slotMs);
    // After a long pause one turn of the wheel visits every slot; more turns would find nothing new.
    const from = Math.max(this.#slot + 1, until - slots + 1);
    this.#slot = until;
    for (let slot = from; slot <= until; slot++) this.#visit(slot % slots, nowMs);
    this.#stopIfIdle();
  }

  #visit(slot: number, nowMs: number): void {
    const jobs = this.#wheel[slot];
    if (jobs === undefined || jobs.length === 0) return;
    this.#wheel[slot] = [];
    this.#count -= jobs.length;
    for (const waiting of jobs) {
      const nextMs = waiting.dueMs <= nowMs ? waiting.job.run(nowMs) : waiting.dueMs;
      if (nextMs === undefined) continue;
      waiting.dueMs = nextMs;
      this.#place(waiting, nowMs);
    }
  }

  #stopIfIdle(): void {
    if (this.#count > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
