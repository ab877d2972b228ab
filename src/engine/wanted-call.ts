import { canonicalJson } from "../core/json.ts";
import type { PromptMessage } from "../ports/models.ts";
import type { GenerateRequest } from "./context.ts";
import type { Endpoint } from "./endpoints.ts";

/** Rough characters a token has, to guess a prompt's length before the endpoint counts it. */
const charsPerToken = 4;

/** Answer tokens assumed until the queue has seen calls of the type and role. */
const outputTokensGuess = 300;

/** What a call asks of its endpoint. */
export interface WantedCall {
  /** Names its prompt and options: another one on replay is another call. */
  readonly hash: string;
  readonly inputTokens: number;
  /** It answers in text of a length nobody knows. */
  readonly answers: boolean;
  /** It may be stopped at any token: what it says is bound to no form. */
  readonly isFree: boolean;
}

/** What a call is predicted to take: slot-seconds, the part of them that is known beforehand, and tokens. */
export interface CallCost {
  readonly lead: number;
  readonly cost: number;
  readonly tokens: number;
}

/** What of a request names its call, and is sent to the model; the rest says what becomes of the answer. */
export function askedOf(
  request: GenerateRequest,
): Omit<GenerateRequest, "name" | "show" | "outsideTools" | "last"> {
  const { name: _name, show: _show, outsideTools: _outside, last: _last, ...asked } = request;
  return asked;
}

/** Name of the operation that a request is: its own, or the `next` one's. */
export function callName({ name }: GenerateRequest, next: () => string): string {
  return name === undefined ? next() : `call:${name}`;
}

/** What a request for text asks of its endpoint. */
export async function wantedText(
  sha256: (text: string) => Promise<string>,
  role: string,
  request: GenerateRequest,
): Promise<WantedCall> {
  const asked = askedOf(request);
  const hash = await sha256(canonicalJson({ role, ...asked }));
  const isFree = asked.jsonSchema === undefined && asked.toolChoice !== "required";
  return { hash, inputTokens: tokensOf(asked.messages), answers: true, isFree };
}

/** Tokens that so many characters are, roughly. */
export function roughTokens(chars: number): number {
  return chars / charsPerToken;
}

/** Slot-seconds of a call: what reading its prompt takes, and a guess that counts until its queue has learnt better. */
export function costOf(
  { inputTokens, answers }: WantedCall,
  endpoint: Endpoint,
  said = 0,
): CallCost {
  const outputTokens = answers ? outputTokensGuess : 0;
  const lead = 0.05 + (inputTokens + said) / endpoint.promptTokensPerSecond;
  const cost = lead + outputTokens / endpoint.decodeTokensPerSecond;
  return { lead, cost, tokens: Math.round(inputTokens + outputTokens) };
}

function tokensOf(messages: readonly PromptMessage[]): number {
  let chars = 0;
  for (const message of messages) chars += message.content.length;
  return roughTokens(chars);
}
