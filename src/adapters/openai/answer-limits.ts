/** What an endpoint may send at most: it is not trusted (S11). Beyond a limit the call fails as `broken`. */
import { resultCharsMax } from "../../core/limits.ts";

/** Characters of one line and of one event of a stream: a tool call may arrive in a single event. */
export const eventCharsMax = 2_097_152;
/** Bytes of one streamed answer, framing and comments included: 250 bytes for each of a million tokens. */
export const answerBytesMax = 268_435_456;
/** Characters of text, reasoning and tool arguments of one answer together: more could not be stored as a result. */
export const answerCharsMax: number = resultCharsMax;
/** Bytes read of an error's body; the rest is not needed to say what happened. */
export const errorBytesMax = 65_536;
/** Bytes of a list of models. */
export const listBytesMax = 4_194_304;
/** Bytes of one answer with vectors: 2,048 texts at 1,536 numbers of 20 characters. */
export const vectorsBytesMax = 67_108_864;
/** After the last event the rest of the body is read for so long, so that the connection can be used again. */
export const drainMs = 1_000;
