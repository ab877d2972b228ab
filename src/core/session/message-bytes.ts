import { roughBytes } from "../task/fold.ts";
import type { ChatMessage } from "./state.ts";

/** Rough bytes in memory of a message. */
export function messageBytes({ parts }: Pick<ChatMessage, "parts">): number {
  let bytes = 200;
  for (const part of parts)
    bytes += part.type === "text" ? part.text.length * 2 : roughBytes(part.data);
  return bytes;
}
