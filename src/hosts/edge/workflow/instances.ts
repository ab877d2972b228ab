import { ErrandError, errorData } from "../../../core/errors.ts";
import type { Log } from "../../../ports/host.ts";
import type { FlowEnd, FlowParams } from "./flow-call.ts";
import { checkKept } from "./steps.ts";

/** The part of an instance that is used here. */
export interface FlowInstance {
  status(): Promise<{
    readonly status: string;
    readonly error?: { readonly message: string } | null;
    readonly output?: unknown;
  }>;
  terminate(): Promise<void>;
  /** Begins the instance anew. */
  restart(): Promise<void>;
}

/** The part of a binding to Cloudflare Workflows that is used here. */
export interface FlowBinding {
  create(options: { readonly id: string; readonly params: FlowParams }): Promise<unknown>;
  /** Rejects if there is none of that id. */
  get(id: string): Promise<FlowInstance>;
}

/** An instance that is in one of these does nothing any more. */
const endStatuses: ReadonlySet<string> = new Set(["complete", "errored", "terminated"]);

/** Instances of the platform's workflows, made once each. */
export class Instances {
  readonly #binding: FlowBinding | undefined;
  readonly #log: Log;

  constructor(binding: FlowBinding | undefined, log: Log) {
    this.#binding = binding;
    this.#log = log;
  }

  /**
   * Makes an instance, unless there is one of this id: a stand-in may take a second `create` in silence, the platform
   * refuses it. Throws `too_large` for params above 1 MiB or 2 MB of a row, and `unavailable`.
   */
  async create(id: string, params: FlowParams): Promise<void> {
    checkKept(params, "what the workflow is begun with");
    const binding = this.#bound();
    if ((await this.#find(id)) !== null) return;
    try {
      await binding.create({ id, params });
    } catch (cause) {
      // Somebody may have been quicker, or it was made although the answer was lost.
      if ((await this.#find(id)) !== null) return;
      const message = `workflow ${id} could not be begun: ${wordsOf(cause)}`;
      throw new ErrandError("unavailable", message, { cause, retryAfterMs: 5_000 });
    }
  }

  /** How an instance ended; `null`: it goes on, or that cannot be told just now. */
  async end(id: string): Promise<FlowEnd | null> {
    try {
      const instance = await this.#find(id);
      if (instance === null) return failed(`workflow ${id} is gone`, "policy");
      const { status, error, output } = await instance.status();
      if (status === "complete") return { ok: true, output: output ?? null };
      if (status === "errored")
        return failed(
          `workflow ${id} failed: ${error?.message ?? "no reason was given"}`,
          "policy",
        );
      // Whoever did that wants it to stop.
      if (status === "terminated")
        return failed(`workflow ${id} was terminated from outside`, "never");
    } catch (error) {
      this.#log.error("a workflow could not be asked how it is", error, { instance: id });
    }
    return null;
  }

  /**
   * Begins an instance anew that says it runs and does not: one that broke off with its machine is gone on with by the
   * platform, but not by its local stand-in. What it has finished is in the log of its task. Never rejects.
   */
  async wake(id: string): Promise<void> {
    try {
      const instance = await this.#find(id);
      if (instance === null || (await instance.status()).status !== "running") return;
      this.#log.info("a workflow says that it runs and is silent; it begins anew", {
        instance: id,
      });
      await instance.restart();
    } catch (error) {
      this.#log.error("a workflow could not be begun anew", error, { instance: id });
    }
  }

  /** Ends an instance that may still do something. Never rejects: one that is missed is refused at its next question. */
  async terminate(id: string): Promise<void> {
    try {
      const instance = await this.#find(id);
      if (instance === null) return;
      const { status } = await instance.status();
      if (!endStatuses.has(status)) await instance.terminate();
    } catch (error) {
      this.#log.error("a workflow could not be terminated", error, { instance: id });
    }
  }

  async #find(id: string): Promise<FlowInstance | null> {
    try {
      return await this.#bound().get(id);
    } catch (error) {
      if (/not[._ ]?found|does not exist/i.test(wordsOf(error))) return null;
      throw error;
    }
  }

  #bound(): FlowBinding {
    if (this.#binding !== undefined) return this.#binding;
    throw new ErrandError(
      "unavailable",
      "ORCHESTRATOR_WORKERS_WORKFLOW is not bound: add it to wrangler.jsonc, or take the type out of ERRAND_WORKFLOWS",
      { retryAfterMs: 60_000 },
    );
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function failed(message: string, retry: "never" | "policy"): FlowEnd {
  const code = retry === "never" ? "fatal" : "handler_failed";
  return { ok: false, error: errorData(code, message), retry };
}
