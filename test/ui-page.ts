/** A strict reader of AI SDK's UI message stream: what the SDK throws on, this throws on. */
import type { UiChunk } from "../src/server/chat/ui-chunk.ts";

/** A part of the message as the page holds it. */
export type Part =
  | { type: "text" | "reasoning"; id: string; text: string; open: boolean }
  | { type: "tool"; id: string; output: unknown }
  | { type: "step" };

/** A page with one message. */
export class UiPage {
  parts: Part[] = [];
  readonly chunks: UiChunk[] = [];

  take(chunks: readonly UiChunk[]): void {
    for (const chunk of chunks) {
      this.chunks.push(chunk);
      this.#one(chunk);
    }
  }

  text(): string {
    return this.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  }

  #one(chunk: UiChunk): void {
    switch (chunk.type) {
      case "start-step":
        this.parts.push({ type: "step" });
        return;
      case "reset-step":
        while (this.parts.length > 0 && this.parts.at(-1)?.type !== "step") this.parts.pop();
        return;
      case "text-start":
      case "reasoning-start":
        this.parts.push({
          type: chunk.type === "text-start" ? "text" : "reasoning",
          id: chunk.id,
          text: "",
          open: true,
        });
        return;
      case "text-delta":
      case "reasoning-delta":
        this.#open(chunk.id).text += chunk.delta;
        return;
      case "text-end":
      case "reasoning-end":
        this.#open(chunk.id).open = false;
        return;
      case "tool-input-available":
        this.parts.push({ type: "tool", id: chunk.toolCallId, output: null });
        return;
      case "tool-output-available": {
        const tool = this.parts.findLast(
          (part) => part.type === "tool" && part.id === chunk.toolCallId,
        );
        if (tool?.type !== "tool") throw new Error(`output of an unknown call ${chunk.toolCallId}`);
        tool.output = chunk.output;
        return;
      }
      default:
    }
  }

  #open(id: string): { text: string; open: boolean } {
    const found = this.parts.find(
      (part) => (part.type === "text" || part.type === "reasoning") && part.id === id,
    );
    if (found === undefined || !("open" in found) || !found.open)
      throw new Error(`${id} is not open`);
    return found;
  }
}
