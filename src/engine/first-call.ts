import { ErrandError } from "../core/errors.ts";
import type { CallSpec } from "../core/task/spec.ts";
import type { AnyTaskType } from "./define.ts";
import { endpointQueue, shareOf, type Roles } from "./endpoints.ts";
import { asKnownToCaller } from "./erased-types.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { resumeWay } from "./resume.ts";
import { callName, costOf, wantedText } from "./wanted-call.ts";

/**
 * The call that a task of this type and input begins with, if its type says so and something serves its role now.
 * `undefined`: its handler will ask by itself, and be told then what is wrong.
 */
export async function firstCallOf(
  { options }: AnyTaskType,
  input: unknown,
  { kernel, roles }: { readonly kernel: Kernel; readonly roles: Roles },
  sha256: (text: string) => Promise<string>,
): Promise<CallSpec | undefined> {
  // The input was parsed by the type's own schema, whose output is the parameter's type.
  const first = options.firstCall?.(asKnownToCaller<never>(input));
  if (first === undefined) return undefined;
  const { role, request } = first;
  const served = servedBy(roles, role, request.target);
  if (served === undefined) return undefined;
  const { endpoint, model } = served;
  const wanted = await wantedText(sha256, role, request);
  const share = shareOf(endpoint);
  const resumes = wanted.isFree && resumeWay({ kernel }, endpoint, model);
  return {
    op: callName(request, () => `call:${role}#1`),
    queue: endpointQueue(endpoint),
    role,
    hash: wanted.hash,
    ...costOf(wanted, endpoint),
    model,
    input: Math.round(wanted.inputTokens),
    ...(share === undefined ? null : { share }),
    ...(resumes ? { cuttable: true } : null),
  };
}

function servedBy(
  roles: Roles,
  role: string,
  target: Parameters<Roles["resolve"]>[1],
): ReturnType<Roles["resolve"]> | undefined {
  try {
    return roles.resolve(role, target);
  } catch (error) {
    if (error instanceof ErrandError && error.code === "model_unavailable") return undefined;
    throw error;
  }
}
