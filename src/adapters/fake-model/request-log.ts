/** What happened to one request. Times are of `performance.timeOrigin + performance.now()`, in ms. */
export interface RequestRecord {
  /** 1 for the first request. */
  readonly number: number;
  readonly path: string;
  readonly model: string;
  /** The last user message, its first 200 characters. */
  readonly prompt: string;
  readonly receivedAtMs: number;
  /** When it got a slot; undefined while it waits. */
  startedAtMs: number | undefined;
  endedAtMs: number | undefined;
  /** HTTP status; undefined until the answer begins, 0 if the connection was closed instead. */
  status: number | undefined;
  /** Chunks with a token, a piece of reasoning or of a tool call that were sent. */
  tokensSent: number;
  /** True if the client closed the connection before the answer was complete. */
  aborted: boolean;
  /** The fault that was played on it. */
  fault: string | undefined;
}

/** The newest requests; older ones are forgotten. */
const recordsMax = 10_000;

/** Remembers requests and wakes who waits for one of them to end. */
export class RequestLog {
  #records: RequestRecord[] = [];
  #listeners: (() => void)[] = [];
  #count = 0;

  /** The newest requests, oldest first. */
  get records(): readonly RequestRecord[] {
    return this.#records;
  }

  /** Begins the record of a request. */
  begin(path: string, model: string, prompt: string): RequestRecord {
    const record: RequestRecord = {
      number: ++this.#count,
      path,
      model,
      prompt: prompt.slice(0, 200),
      receivedAtMs: nowMs(),
      startedAtMs: undefined,
      endedAtMs: undefined,
      status: undefined,
      tokensSent: 0,
      aborted: false,
      fault: undefined,
    };
    this.#records.push(record);
    if (this.#records.length > recordsMax) this.#records = this.#records.slice(-recordsMax / 2);
    this.changed();
    return record;
  }

  /** Says that a record changed. */
  changed(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  /** The first record that fits, now or later. */
  async find(fits: (record: RequestRecord) => boolean): Promise<RequestRecord> {
    for (;;) {
      const found = this.#records.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#listeners.push(resolve));
    }
  }

  /** Forgets everything; numbers go on. */
  clear(): void {
    this.#records = [];
  }
}

/** Wall time with the precision of the monotonic clock, in ms: comparable between processes of one machine. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
