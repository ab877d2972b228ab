import { isRecord, jsonDepth } from "../../core/json.ts";
import { jsonDepthMax, toolCallsMax, toolNameCharsMax } from "../../core/limits.ts";
import { ModelError, type ToolCall } from "../../ports/models.ts";

interface PartialCall {
  id: string;
  name: string;
  argumentsJson: string;
}

/**
 * Puts the tool calls of one answer together from their pieces. Pieces belong together by `index`; servers that leave
 * it out, or send 0 for every call (Ollama), are understood by the id, which then changes from call to call.
 */
export class ToolCallCollector {
  readonly #calls: PartialCall[] = [];
  readonly #byIndex = new Map<number, PartialCall>();

  /** Reads one item of `delta.tool_calls`; answers how many characters it added. Throws `broken` beyond a limit. */
  add(piece: unknown): number {
    if (!isRecord(piece)) throw broken("a tool call that is no object");
    const details = isRecord(piece["function"]) ? piece["function"] : {};
    const id = textOf(piece["id"]);
    const name = textOf(details["name"]);
    const argumentsJson = argumentsOf(details["arguments"]);
    if (id.length > toolNameCharsMax || name.length > toolNameCharsMax)
      throw broken(`a tool call whose id or name is longer than ${toolNameCharsMax} characters`);
    const call = this.#callOf(piece["index"], id);
    if (call.id === "") call.id = id;
    if (call.name === "") call.name = name;
    call.argumentsJson += argumentsJson;
    return argumentsJson.length;
  }

  /** True once a tool call has begun. */
  get started(): boolean {
    return this.#calls.length > 0;
  }

  /**
   * The calls in order, their arguments parsed; an id that is missing or taken is replaced. Arguments that are no JSON
   * are `broken`, except in an answer that was `cut` at its length limit: there the half call is dropped.
   */
  take(cut: boolean): readonly ToolCall[] {
    const ids = new Set<string>();
    const calls: ToolCall[] = [];
    for (const call of this.#calls) {
      const input = parseArguments(call);
      if (input === undefined && cut) continue;
      if (input === undefined)
        throw broken(`arguments of the tool "${call.name}" that are no JSON`);
      if (call.name === "") throw broken("a tool call without a name");
      const id = call.id === "" || ids.has(call.id) ? `call_${crypto.randomUUID()}` : call.id;
      ids.add(id);
      calls.push({ id, name: call.name, input: input.value });
    }
    return calls;
  }

  #callOf(index: unknown, id: string): PartialCall {
    const key = typeof index === "number" ? index : undefined;
    const known = key === undefined ? this.#calls.at(-1) : this.#byIndex.get(key);
    const continues = known !== undefined && (id === "" || known.id === "" || known.id === id);
    if (continues) return known;
    if (this.#calls.length >= toolCallsMax)
      throw broken(`more than ${toolCallsMax} tool calls in one answer`);
    const call: PartialCall = { id: "", name: "", argumentsJson: "" };
    this.#calls.push(call);
    if (key !== undefined) this.#byIndex.set(key, call);
    return call;
  }
}

/** No arguments at all mean a tool without parameters. Undefined stands for "no JSON". */
function parseArguments(call: PartialCall): { readonly value: unknown } | undefined {
  if (call.argumentsJson.trim() === "") return { value: {} };
  try {
    const value: unknown = JSON.parse(call.argumentsJson);
    return jsonDepth(value) > jsonDepthMax ? undefined : { value };
  } catch {
    return undefined;
  }
}

/** Some servers send the arguments as the object itself. */
function argumentsOf(value: unknown): string {
  return isRecord(value) ? JSON.stringify(value) : textOf(value);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function broken(what: string): ModelError {
  return new ModelError("broken", `the endpoint sent ${what}`);
}
