import type { ServerResponse } from "node:http";

import type { ChatChunks } from "./chat-chunks.ts";
import type { Fault } from "./faults.ts";
import type { PacedJob } from "./pacer.ts";
import type { RequestRecord } from "./request-log.ts";

/** How fast an answer comes. */
export interface Pace {
  /** Wait for the first token. */
  readonly ttftMs: number;
  /** 0: as fast as the socket takes them. */
  readonly tokensPerSecond: number;
}

/** Tokens written in one turn when there is no pace: other streams want their turn too. */
const tokensPerTurn = 256;
/** Characters of the line of `huge_line`. */
const hugeLineChars = 4_194_304;

/** Sends one streamed answer: a job of the pacer that writes all tokens that are due whenever it runs. */
export class ChatStream implements PacedJob {
  readonly #response: ServerResponse;
  readonly #chunks: ChatChunks;
  readonly #record: RequestRecord;
  readonly #fault: Fault | undefined;
  readonly #firstMs: number;
  readonly #periodMs: number;
  #sent = 0;
  #isFaultPlayed = false;

  constructor(
    response: ServerResponse,
    chunks: ChatChunks,
    options: {
      readonly record: RequestRecord;
      readonly fault: Fault | undefined;
      readonly pace: Pace;
      /** When the first token is due, of `performance.now()`. */
      readonly firstMs: number;
    },
  ) {
    this.#response = response;
    this.#chunks = chunks;
    this.#record = options.record;
    this.#fault = options.fault;
    this.#firstMs = options.firstMs;
    const { tokensPerSecond } = options.pace;
    this.#periodMs = tokensPerSecond === 0 ? 0 : 1_000 / tokensPerSecond;
  }

  /** Writes what is due; answers when the next token is, or undefined when nothing more comes from here. */
  run(nowMs: number): number | undefined {
    if (this.#response.destroyed) return undefined;
    if (this.#response.writableNeedDrain) return nowMs;
    const { count } = this.#chunks;
    const until = Math.min(this.#due(nowMs), this.#faultAt(), count);
    let events = "";
    for (; this.#sent < until; this.#sent++) events += this.#chunks.event(this.#sent);
    this.#record.tokensSent = this.#sent;
    if (events !== "") this.#response.write(events);
    if (this.#sent === this.#faultAt() && !this.#playFault()) return undefined;
    if (this.#sent === count) {
      this.#response.end(this.#chunks.ending());
      return undefined;
    }
    return this.#periodMs === 0 ? nowMs : this.#firstMs + this.#sent * this.#periodMs;
  }

  /** Number of tokens that should have been sent by now. */
  #due(nowMs: number): number {
    if (this.#periodMs === 0) return this.#sent + tokensPerTurn;
    return Math.floor((nowMs - this.#firstMs) / this.#periodMs) + 1;
  }

  #faultAt(): number {
    return this.#fault === undefined || this.#isFaultPlayed ? Infinity : this.#fault.afterTokens;
  }

  /** Plays the fault of this answer; answers whether the answer goes on after it. */
  #playFault(): boolean {
    this.#isFaultPlayed = true;
    const response = this.#response;
    switch (this.#fault?.kind) {
      case "stall":
        response.flushHeaders();
        return false;
      case "cut":
        // The bytes written so far must be on their way before the connection goes.
        response.write("", () => response.destroy());
        return false;
      case "no_finish":
        response.end();
        return false;
      case "error":
        response.end(
          `data: {"error":{"message":"The fake model was told to fail here.","type":"server_error","code":null}}\n\n`,
        );
        return false;
      case "malformed":
        response.write(`${this.#chunks.contentStart}half an ev\n\n`);
        return true;
      case "huge_line":
        response.write(this.#chunks.contentStart + "x".repeat(hugeLineChars));
        return true;
      case "bad_utf8":
        response.write(this.#chunks.contentStart);
        response.write(Buffer.from([0xff, 0xc3, 0x28]));
        response.write(this.#chunks.contentEnd);
        return true;
      default:
        return true;
    }
  }
}
