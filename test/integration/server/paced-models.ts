/** A model that says what a test tells it to, when the test tells it. */
import {
  ModelError,
  type Delta,
  type ModelFailure,
  type Models,
} from "../../../src/ports/models.ts";

/** A model whose answers are given piece by piece. */
export interface PacedModels extends Models {
  readonly calls: number;
  readonly aborted: number;
  /** Says pieces in the call that is open, or opens next. Resolves when the endpoint has given them out. */
  say(...pieces: readonly (string | Delta)[]): Promise<void>;
  /** Ends the open call, or the next. */
  finish(reason?: Extract<Delta, { type: "finish" }>["reason"]): Promise<void>;
  /** The next calls fail. */
  failNext(count: number, failure: ModelFailure, message: string): void;
  /** Every call, also of later, ends at once. */
  finishAll(): void;
}

interface Piece {
  readonly deltas: readonly Delta[];
  readonly taken: () => void;
}

/** Makes one. */
export function pacedModels(): PacedModels {
  const pieces: Piece[] = [];
  const waiting: ((piece: Piece) => void)[] = [];
  const failures: ModelError[] = [];
  let calls = 0;
  let aborted = 0;
  let isOver = false;
  const give = (deltas: readonly Delta[]): Promise<void> =>
    new Promise((taken) => {
      const piece = { deltas, taken };
      const taker = waiting.shift();
      if (taker === undefined) pieces.push(piece);
      else taker(piece);
    });
  const finish: Piece = { deltas: [{ type: "finish", reason: "stop" }], taken: () => {} };
  const next = (signal: AbortSignal): Promise<Piece> =>
    new Promise((resolve, reject) => {
      const piece = isOver ? finish : pieces.shift();
      if (piece !== undefined) return resolve(piece);
      waiting.push(resolve);
      signal.addEventListener("abort", () => {
        const at = waiting.indexOf(resolve);
        if (at >= 0) waiting.splice(at, 1);
        reject(signal.reason);
      });
    });
  return {
    get calls() {
      return calls;
    },
    get aborted() {
      return aborted;
    },
    async *stream(_call, { signal }) {
      calls += 1;
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      signal.addEventListener("abort", () => void (aborted += 1));
      for (;;) {
        const { deltas, taken } = await next(signal);
        yield deltas;
        taken();
        if (deltas.some(({ type }) => type === "finish")) return;
      }
    },
    list: () => Promise.resolve(["paced"]),
    embed: () => Promise.resolve({ vectors: [] }),
    say: async (...said) => {
      for (const piece of said)
        await give([typeof piece === "string" ? { type: "text", text: piece } : piece]);
    },
    finish: (reason = "stop") => give([{ type: "finish", reason }]),
    failNext(count, failure, message) {
      for (let call = 0; call < count; call += 1) failures.push(new ModelError(failure, message));
    },
    finishAll() {
      isOver = true;
      for (const taker of waiting.splice(0)) taker(finish);
    },
  };
}
