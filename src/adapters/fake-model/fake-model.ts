import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { isRecord } from "../../core/json.ts";
import { type FakeState, handleChat } from "./chat-handler.ts";
import { type Control, readControl } from "./control.ts";
import { embedText } from "./embedding.ts";
import { FaultQueue } from "./fault-queue.ts";
import { refusal } from "./faults.ts";
import { readJsonBody, sendJson, sendRefusal } from "./http-body.ts";
import { Pacer } from "./pacer.ts";
import { RequestLog, type RequestRecord } from "./request-log.ts";
import { Slots } from "./slots.ts";

/** How a fake model is started; everything has a default. */
export interface FakeModelOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** Defaults to loopback: the server has no authentication. */
  readonly host?: string;
  /** Ids of `/v1/models`. Any id is answered. */
  readonly models?: readonly string[];
  /** Wait for the first token, 0 by default. */
  readonly ttftMs?: number;
  /** 0, the default, is as fast as possible. */
  readonly tokensPerSecond?: number;
  /** Answers at once; the others wait in their order. No limit by default. */
  readonly slots?: number;
  /** Adds to every token chunk `"t"`: when it was written, in ms since the epoch with fractions. */
  readonly timestamps?: boolean;
  /**
   * How it takes an assistant message at the end: goes on with it (`prefill`, the default), does so only if vLLM's
   * parameters ask for it (`continue`), or answers anew.
   */
  readonly goesOn?: "prefill" | "continue" | "anew";
  /** Length of the vectors of `/v1/embeddings`, 64 by default. */
  readonly embeddingDimensions?: number;
}

/** A running fake model. */
export interface FakeModel {
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  /** `url` with `/v1`: what an OpenAI client calls its base URL. */
  readonly baseUrl: string;
  /** The newest requests, oldest first; the objects change while their requests run. */
  log(): readonly RequestRecord[];
  /** The first request that fits, now or as soon as there is one. */
  find(fits: (record: RequestRecord) => boolean): Promise<RequestRecord>;
  /** Calls that run, at most ran at once, and wait. */
  load(): { readonly runningMax: number; readonly waiting: number };
  /** Changes pace, slots and faults at run time. */
  control(control: Control): void;
  /** Ends all connections and frees the port. */
  close(): Promise<void>;
}

const embeddingsMax = 2_048;

/**
 * Starts a deterministic OpenAI-compatible server for tests, benches and demos: `/v1/models`, `/v1/chat/completions`
 * (streamed or whole), `/v1/embeddings`. The same messages give the same answer; directives in the prompt say what it is
 * (see prompt-script.ts). `POST /control` (see control.ts) and `GET /control/log` do over HTTP what `control` and `log`
 * do here. Without a directive it writes a few plausible sentences and says that it is a demo model.
 */
export async function startFakeModel(options: FakeModelOptions = {}): Promise<FakeModel> {
  const state: FakeState = {
    pacer: new Pacer(),
    slots: new Slots(options.slots ?? Infinity),
    log: new RequestLog(),
    faults: new FaultQueue(),
    timestamps: options.timestamps ?? false,
    goesOn: options.goesOn ?? "prefill",
    pace: { ttftMs: options.ttftMs ?? 0, tokensPerSecond: options.tokensPerSecond ?? 0 },
  };
  const server = createServer((request, response) => {
    void route(state, options, request, response);
  });
  const host = options.host ?? "127.0.0.1";
  server.listen(options.port ?? 0, host);
  await once(server, "listening");
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${portOf(server)}`;
  return {
    url,
    baseUrl: `${url}/v1`,
    log: () => state.log.records,
    find: (fits) => state.log.find(fits),
    load: () => ({ runningMax: state.slots.runningMax, waiting: state.slots.waiting }),
    control: (control) => applyControl(state, control),
    close: async () => {
      state.pacer.clear();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function route(
  state: FakeState,
  options: FakeModelOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  switch (`${request.method} ${path}`) {
    case "POST /v1/chat/completions":
      return handleChat(state, await readJsonBody(request), response);
    case "POST /v1/embeddings":
      return handleEmbeddings(state, options, await readJsonBody(request), response);
    case "GET /v1/models":
      return sendModels(options, response);
    case "POST /control": {
      const control = readControl(await readJsonBody(request));
      if (typeof control === "string")
        return sendRefusal(response, refusal(400, control, "invalid_value"));
      applyControl(state, control);
      return sendJson(response, 200, { ok: true });
    }
    case "GET /control/log": {
      const { runningMax, waiting } = state.slots;
      return sendJson(response, 200, { runningMax, waiting, requests: state.log.records });
    }
    default:
      return sendRefusal(
        response,
        refusal(404, `The fake model has no ${request.method} ${path}.`, "unknown_url"),
      );
  }
}

function applyControl(state: FakeState, control: Control): void {
  if (control.reset === true) {
    state.log.clear();
    state.faults.clear();
    state.slots.resetMax();
  }
  if (control.slots !== undefined) state.slots.resize(control.slots);
  state.pace = { ...state.pace, ...control.pace };
  state.faults.add(control.faults ?? []);
}

function sendModels(options: FakeModelOptions, response: ServerResponse): void {
  const models = options.models ?? ["fake-large", "fake-small", "fake-embed"];
  const data = models.map((id) => ({ id, object: "model", created: 0, owned_by: "errand" }));
  sendJson(response, 200, { object: "list", data });
}

function handleEmbeddings(
  state: FakeState,
  options: FakeModelOptions,
  body: unknown,
  response: ServerResponse,
): void {
  const fields = isRecord(body) ? body : {};
  const input = typeof fields["input"] === "string" ? [fields["input"]] : fields["input"];
  const isList = Array.isArray(input) && input.every((text) => typeof text === "string");
  if (!isList || input.length === 0 || input.length > embeddingsMax) {
    const message = `input must be a text or 1 to ${embeddingsMax} texts`;
    sendRefusal(response, refusal(400, message, "invalid_value"));
    return;
  }
  const texts: readonly string[] = input;
  const model = typeof fields["model"] === "string" ? fields["model"] : "fake-embed";
  const record = state.log.begin("/v1/embeddings", model, texts[0] ?? "");
  record.status = 200;
  response.on("close", () => {
    record.endedAtMs = performance.timeOrigin + performance.now();
    state.log.changed();
  });
  const dimensions = options.embeddingDimensions ?? 64;
  const tokens = texts.reduce((sum, text) => sum + Math.ceil(text.length / 4), 0);
  sendJson(response, 200, {
    object: "list",
    model,
    data: texts.map((text, index) => ({
      object: "embedding",
      index,
      embedding: embedText(text, dimensions),
    })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
