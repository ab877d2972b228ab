import { Hono } from "hono";

import { mount, type Router } from "./mount.ts";
import type { Operation } from "./operation.ts";

/** Builds some operations. */
export type Part = () => readonly Operation[];

/**
 * Operations of all servers of a process: a host with a server for each of its objects (the edge) would else hold hundreds
 * of kilobytes of schemas for each. They are built when the first request comes, and routers when a path is asked for.
 */
export class LazyRoutes {
  readonly #parts: readonly Part[];
  readonly #finish: (router: Router) => void;
  readonly #built = new Map<number, readonly Operation[]>();
  readonly #routers = new Map<string, Router>();
  /** Parts by how the paths of their operations begin. */
  #byBeginning: ReadonlyMap<string, readonly number[]> | null = null;

  /** `parts` in the order in which they are mounted; `finish` is called for each router. */
  constructor(parts: readonly Part[], finish: (router: Router) => void) {
    this.#parts = parts;
    this.#finish = finish;
  }

  /** All operations; builds what is not built yet. */
  get operations(): readonly Operation[] {
    return this.#parts.flatMap((_, index) => this.#part(index));
  }

  /** The router that answers this path as one of all operations would. */
  router(path: string): Router {
    const key = beginningOf(path);
    this.#byBeginning ??= this.#learn();
    const known = this.#byBeginning.get(key);
    const name = known === undefined ? "" : key;
    const found = this.#routers.get(name);
    if (found !== undefined) return found;
    const router: Router = new Hono();
    const operations =
      known === undefined ? this.operations : known.flatMap((index) => this.#part(index));
    mount(router, operations);
    this.#finish(router);
    this.#routers.set(name, router);
    return router;
  }

  #part(index: number): readonly Operation[] {
    const built = this.#built.get(index) ?? this.#parts[index]?.() ?? [];
    this.#built.set(index, built);
    return built;
  }

  #learn(): ReadonlyMap<string, readonly number[]> {
    const learnt = new Map<string, number[]>();
    for (const index of this.#parts.keys())
      for (const { path } of this.#part(index)) {
        const key = beginningOf(path);
        // Below a path's first word there must be a second that is no parameter: everything else takes all operations.
        if (key === "" || key.includes("{")) continue;
        const indexes = learnt.get(key) ?? [];
        if (!indexes.includes(index)) indexes.push(index);
        learnt.set(key, indexes);
      }
    return learnt;
  }
}

/** The first two words of a path; empty if it has fewer. */
function beginningOf(path: string): string {
  const [, first = "", second = ""] = path.split("/", 3);
  return first === "" || second === "" ? "" : `/${first}/${second}`;
}
