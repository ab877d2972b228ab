import { isRecord } from "../../core/json.ts";
import { planAnswer, type AnswerPlan } from "./answer-plan.ts";
import { chatChunks } from "./chat-chunks.ts";
import { readChatRequest } from "./chat-request.ts";
import { embedText } from "./embedding.ts";

/** A call as the stand-in saw it. */
export interface FakeAiCall {
  readonly model: string;
  readonly maxTokens: number | undefined;
  tokensSent: number;
  /** The caller hung up before the answer was whole. */
  aborted: boolean;
}

/** Pace where a prompt does not say one: tokens per second. */
const tokensPerSecondDefault = 200;

/** Length of its vectors. */
const dimensions = 64;

const encoder = new TextEncoder();

/**
 * Plays the `AI` binding of a Worker, with what the fake model says and its directives (see prompt-script.ts). Models of
 * Meta stream in Workers AI's own shape (`{"response": ...}`), others in that of OpenAI, as they do there.
 */
export class FakeAi {
  readonly calls: FakeAiCall[] = [];
  readonly #faults = new Map<number, number>();

  /** As `env.AI.run`: a stream of bytes where the input asks for one, else the answer as an object. */
  async run(model: string, input: unknown): Promise<unknown> {
    const body = isRecord(input) ? input : {};
    const texts = body["text"];
    if (texts !== undefined) return embeddings(Array.isArray(texts) ? texts : [texts]);
    const request = readChatRequest({ ...inOpenAiForm(body), model });
    if (typeof request === "string") throw new Error(`5006: ${request}`);
    const plan = planAnswer(request);
    this.#refuse(plan);
    const { maxTokens } = request;
    const call: FakeAiCall = { model, maxTokens, tokensSent: 0, aborted: false };
    this.calls.push(call);
    const events = eventsOf(model, plan);
    if (request.isStream) return this.#stream(plan, events, call);
    return await Promise.resolve({ response: textOf(plan), usage: usageOf(plan) });
  }

  /** Faults that come instead of an answer, as errors of the platform's own form. */
  #refuse({ script: { fault }, promptHash }: AnswerPlan): void {
    if (fault?.kind !== "rate_limit" && fault?.kind !== "refuse") return;
    const played = this.#faults.get(promptHash) ?? 0;
    if (played >= fault.times) return;
    this.#faults.set(promptHash, played + 1);
    throw new Error("3040: Capacity temporarily exceeded, please try again.");
  }

  #stream(plan: AnswerPlan, events: readonly string[], call: FakeAiCall): ReadableStream {
    const { fault, pace } = plan.script;
    const cutAt = fault?.kind === "cut" && this.#isFirst(plan) ? fault.afterTokens : Infinity;
    const perSecond = pace?.tokensPerSecond ?? tokensPerSecondDefault;
    let at = 0;
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (perSecond > 0) await pause(1_000 / perSecond);
        if (call.aborted) return;
        if (at >= cutAt) return controller.error(new Error("the connection was lost"));
        const event = events[at];
        if (event === undefined) return controller.close();
        at += 1;
        call.tokensSent = at;
        controller.enqueue(encoder.encode(event));
      },
      cancel() {
        call.aborted = true;
      },
    });
  }

  #isFirst({ script: { fault }, promptHash }: AnswerPlan): boolean {
    const played = this.#faults.get(promptHash) ?? 0;
    this.#faults.set(promptHash, played + 1);
    return played < (fault?.times ?? 1);
  }
}

/** Workers AI takes a JSON schema as it is, where OpenAI wants it inside an object that names it. */
function inOpenAiForm(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const format = body["response_format"];
  if (!isRecord(format) || format["type"] !== "json_schema") return body;
  const schema = format["json_schema"];
  if (isRecord(schema) && isRecord(schema["schema"]))
    throw new Error("5006: json_schema must be the schema itself");
  return { ...body, response_format: { ...format, json_schema: { name: "answer", schema } } };
}

function eventsOf(model: string, plan: AnswerPlan): string[] {
  if (!model.startsWith("@cf/meta/")) {
    const chunks = chatChunks(plan, { id: "fake", model, withUsage: true, timestamps: false });
    const events = Array.from({ length: chunks.count }, (_, index) => chunks.event(index));
    return [...events, chunks.ending()];
  }
  const line = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
  const texts = Array.from({ length: plan.text.count }, (_, index) =>
    line({ response: plan.text.at(index), p: "ab" }),
  );
  const calls = plan.calls.map(({ id, name, argumentsJson }) => ({
    id,
    name,
    arguments: JSON.parse(argumentsJson) as unknown,
  }));
  if (calls.length > 0) texts.push(line({ response: "", tool_calls: calls }));
  return [...texts, `${line({ response: "", usage: usageOf(plan) })}data: [DONE]\n\n`];
}

function textOf({ text }: AnswerPlan): string {
  return Array.from({ length: text.count }, (_, index) => text.at(index)).join("");
}

function usageOf({ promptTokens, text }: AnswerPlan): Readonly<Record<string, number>> {
  const { count } = text;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: count,
    total_tokens: promptTokens + count,
  };
}

function embeddings(texts: readonly unknown[]): unknown {
  const data = texts.map((text) => embedText(String(text), dimensions));
  return { shape: [data.length, data[0]?.length ?? 0], data };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
