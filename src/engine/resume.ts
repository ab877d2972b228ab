import { queueScope } from "../core/scope.ts";
import type { ResumeWay } from "../core/schedule/state.ts";
import { endpointQueue, type Endpoint } from "./endpoints.ts";
import { asQueue } from "./erased-types.ts";
import type { Segment } from "./segment.ts";

/** A probe that takes longer than this is given up: its call holds a slot meanwhile. */
const probeMsMax = 10_000;
/** An endpoint that could not be tried is tried again after so long. */
const againMs = 300_000;

/** When each model of an endpoint may be tried again. */
const triedAt = new WeakMap<Endpoint, Map<string, number>>();

/** Names a model and where it is, because both decide how it goes on. */
function targetOf({ baseUrl }: Endpoint, model: string): string {
  return `${model} ${baseUrl ?? ""}`;
}

/** How a model goes on from a partial answer; `null`: it does not. `undefined`: nobody knows. */
export function resumeWay(
  { kernel }: Pick<Segment, "kernel">,
  endpoint: Endpoint,
  model: string,
): ResumeWay | null | undefined {
  if (endpoint.resumes !== undefined) return endpoint.resumes;
  const cached = kernel.peek(queueScope(endpointQueue(endpoint)));
  if (cached === undefined) return undefined;
  return asQueue(cached.state).schedule.resumes.get(targetOf(endpoint, model));
}

/**
 * Tries out how a model goes on, once it would be of use: calls wait, and nobody knows. Called with a slot of the
 * endpoint in hand. What comes of it is a fact of the queue. Never throws.
 */
export async function probeIfUseful(
  segment: Segment,
  endpoint: Endpoint,
  model: string,
): Promise<void> {
  const { models } = endpoint;
  if (models.probe === undefined || resumeWay(segment, endpoint, model) !== undefined) return;
  const cached = segment.kernel.peek(queueScope(endpointQueue(endpoint)));
  if (cached === undefined || asQueue(cached.state).schedule.bands[0].pending === 0) return;
  const tried = triedAt.get(endpoint) ?? new Map<string, number>();
  triedAt.set(endpoint, tried);
  if ((tried.get(model) ?? -Infinity) > performance.now() - againMs) return;
  tried.set(model, performance.now());
  try {
    const signal = AbortSignal.any([segment.signal, AbortSignal.timeout(probeMsMax)]);
    await found(segment, endpoint, model, await models.probe(model, { signal }));
  } catch {
    // It is tried again later; until then no call of this model is cut.
  }
}

/** Stores what is known of a model: from now on its calls are cut, or are not. */
export async function found(
  { kernel }: Segment,
  endpoint: Endpoint,
  model: string,
  way: ResumeWay | null,
): Promise<void> {
  await kernel.dispatch(queueScope(endpointQueue(endpoint)), {
    type: "probed",
    target: targetOf(endpoint, model),
    way,
  });
}
