import type { Endpoint, Roles } from "../../engine/index.ts";
import { ModelError, type Models } from "../../ports/models.ts";

/** An endpoint that answers is looked at this often. */
const steadyMs = 30_000;
/** One that does not is looked at again after this long, doubled up to `steadyMs`. */
const firstAgainMs = 1_000;
/** One that has not answered by then does not answer. */
const answerMs = 3_000;

/** Watches one configured endpoint: says in `roles` why it does not answer, and when it does again. */
class OneWatch {
  readonly #name: string;
  readonly #list: Models["list"];
  readonly #roles: Roles;
  readonly #stop: AbortSignal;
  #misses = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor({ name, models }: Endpoint, roles: Roles, stop: AbortSignal) {
    this.#name = name;
    this.#list = (options) => models.list(options);
    this.#roles = roles;
    this.#stop = stop;
    stop.addEventListener("abort", () => {
      if (this.#timer !== null) clearTimeout(this.#timer);
    });
  }

  /** Looks, and looks again and again. */
  async look(): Promise<void> {
    const trouble = await this.#trouble();
    if (this.#stop.aborted) return;
    this.#misses = trouble === null ? 0 : this.#misses + 1;
    this.#roles.setTrouble(this.#name, trouble);
    const againMs = trouble === null ? steadyMs : firstAgainMs * 2 ** (this.#misses - 1);
    this.#timer = setTimeout(() => void this.look(), Math.min(againMs, steadyMs));
    this.#timer.unref();
  }

  async #trouble(): Promise<string | null> {
    try {
      await this.#list({ signal: AbortSignal.any([AbortSignal.timeout(answerMs), this.#stop]) });
      return null;
    } catch (error) {
      return error instanceof ModelError
        ? error.message
        : `it did not answer within ${answerMs / 1_000} s`;
    }
  }
}

/** Watches endpoints of the configuration until `stop` aborts. */
export function watchEndpoints(
  endpoints: readonly Endpoint[],
  roles: Roles,
  stop: AbortSignal,
): void {
  for (const endpoint of endpoints) void new OneWatch(endpoint, roles, stop).look();
}
