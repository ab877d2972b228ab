import { ErrandError } from "../../core/errors.ts";
import { isName } from "../../core/ids.ts";
import { isRecord } from "../../core/json.ts";
import { durationMsMax } from "../../core/limits.ts";
import { perMinuteMax, swapMsMax } from "../../core/queue/configure.ts";
import { slotsMax } from "../../core/queue/protocol.ts";
import type { AnyTaskType } from "../../engine/index.ts";
import type { ErrandConfig } from "./config.ts";

/*
 * What a configuration may hold. A file of plain JavaScript has met no compiler, and even a typed one holds numbers that
 * would go wrong much later, so everything is looked at when the server starts (SPEC HOST11).
 */

/** Says what is wrong with a value; `null`: nothing. */
type Check = (value: unknown) => string | null;

const within =
  (min: number, max: number, isWhole = false): Check =>
  (value) => {
    const fits = typeof value === "number" && value >= min && value <= max;
    if (fits && (!isWhole || Number.isInteger(value))) return null;
    return `must be ${isWhole ? "a whole number " : ""}${min}..${max}`;
  };
const whole = (max: number): Check => within(1, max, true);
const orNull =
  (check: Check): Check =>
  (value) => {
    const wrong = value === null ? null : check(value);
    return wrong === null ? null : `${wrong}, or null`;
  };
const oneOf =
  (...words: readonly unknown[]): Check =>
  (value) =>
    words.includes(value)
      ? null
      : `must be one of ${words.map((word) => JSON.stringify(word)).join(", ")}`;
const text: Check = (value) => (typeof value === "string" && value !== "" ? null : "must be text");
const name: Check = (value) =>
  typeof value === "string" && isName(value)
    ? null
    : 'must be 1..100 of letters, digits and "_ . : -"';
const address: Check = (value) =>
  typeof value === "string" && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
    ? null
    : "must be an http(s) URL like http://127.0.0.1:1234/v1";

const limits: Readonly<Record<string, Check>> = {
  slotsPerKey: orNull(whole(slotsMax)),
  requestsPerMinute: orNull(whole(perMinuteMax)),
  tokensPerMinute: orNull(whole(perMinuteMax)),
  swapMs: orNull(whole(swapMsMax)),
};
const queueFields: Readonly<Record<string, Check>> = { slots: whole(slotsMax), ...limits };
const endpointFields: Readonly<Record<string, Check>> = {
  ...queueFields,
  name,
  baseUrl: address,
  apiKey: text,
  device: name,
  deviceSlots: whole(slotsMax),
  promptTokensPerSecond: within(0.001, 1_000_000),
  decodeTokensPerSecond: within(0.001, 1_000_000),
  idleTimeoutMs: within(1, durationMsMax),
  resumes: oneOf("prefill", "continue", null),
};
const roleFields: Readonly<Record<string, Check>> = { endpoint: name, model: text };
const configFields: ReadonlySet<string> = new Set([
  "tasks",
  "endpoints",
  "roles",
  "queues",
  "weights",
  "pendingPerKeyMax",
  "retentionMs",
  "webhooks",
  "alerts",
]);

/**
 * Refuses a configuration that cannot work. Throws `invalid_request` that names the file, the field, what it is and what
 * it may be; also for a name that nothing has: an endpoint of a role, the model or device that a task type's queue names.
 */
export function checkedConfig(file: string, config: ErrandConfig): ErrandConfig {
  const refuse = (field: string, message: string, value?: unknown): never => {
    const got = value === undefined ? "" : `, got ${shown(value)}`;
    throw new ErrandError("invalid_request", `${field} of ${file} ${message}${got}`);
  };
  const { tasks, endpoints, queues, roles, weights, retentionMs } = config;
  const { pendingPerKeyMax } = config;
  for (const field of Object.keys(config))
    if (!configFields.has(field))
      refuse(field, `is not known; there are: ${[...configFields].join(", ")}`);
  if (tasks !== undefined && !(Array.isArray(tasks) && tasks.every(isTaskType)))
    refuse("tasks", "must be a list of what defineTask(...) answers");
  const wrongMax = pendingPerKeyMax === undefined ? null : whole(1_000_000)(pendingPerKeyMax);
  if (wrongMax !== null) refuse("pendingPerKeyMax", wrongMax, pendingPerKeyMax);
  if (retentionMs !== undefined && !(retentionMs >= 0 && retentionMs <= durationMsMax))
    refuse("retentionMs", `must be 0..${durationMsMax} milliseconds`, retentionMs);
  if (endpoints !== undefined && !Array.isArray(endpoints))
    refuse("endpoints", "must be a list", endpoints);
  const all = endpoints ?? [];
  for (const [at, endpoint] of all.entries()) {
    const place = `endpoints[${at}]`;
    checkFields(place, endpoint, endpointFields, refuse);
    for (const needed of ["name", "baseUrl"] as const)
      if (endpoint[needed] === undefined) refuse(`${place}.${needed}`, "is missing");
    if (endpoint.deviceSlots !== undefined && endpoint.device === undefined)
      refuse(`${place}.deviceSlots`, "is of use only with device, which names what is shared");
    if (all.findIndex((other) => other.name === endpoint.name) < at)
      refuse(`${place}.name`, "is another endpoint's too: names are unique", endpoint.name);
  }
  for (const [queue, settings] of entriesOf("queues", queues, refuse)) {
    if (!isName(queue)) refuse(`queues["${queue}"]`, String(name(queue)));
    checkFields(`queues["${queue}"]`, settings, queueFields, refuse);
  }
  for (const [key, weight] of entriesOf("weights", weights, refuse)) {
    const wrong = within(0.01, 100)(weight);
    if (wrong !== null) refuse(`weights["${key}"]`, wrong, weight);
  }
  const names = ["default", ...all.map((endpoint) => endpoint.name)];
  for (const [role, target] of entriesOf("roles", roles, refuse)) {
    checkFields(`roles.${role}`, target, roleFields, refuse);
    if (!isRecord(target) || names.includes(String(target["endpoint"]))) continue;
    refuse(`roles.${role}.endpoint`, `must be one of ${names.join(", ")}`, target["endpoint"]);
  }
  checkQueuesOfTasks(config, names, refuse);
  return config;
}

type Refuse = (field: string, message: string, value?: unknown) => never;

function checkFields(
  place: string,
  fields: unknown,
  checks: Readonly<Record<string, Check>>,
  refuse: Refuse,
): void {
  if (!isRecord(fields)) return refuse(place, "must be an object", fields);
  for (const [field, value] of Object.entries(fields)) {
    const check = checks[field];
    if (check === undefined)
      return refuse(
        `${place}.${field}`,
        `is not known; there are: ${Object.keys(checks).join(", ")}`,
      );
    const wrong = value === undefined ? null : check(value);
    if (wrong !== null) refuse(`${place}.${field}`, wrong, value);
  }
}

function entriesOf(
  field: string,
  given: unknown,
  refuse: Refuse,
): readonly (readonly [string, unknown])[] {
  if (given === undefined) return [];
  return isRecord(given) ? Object.entries(given) : refuse(field, "must be an object", given);
}

/**
 * A task type that waits in the line of a model or a device which is not there would wait in a pool of its own, and
 * run beside what it must not run beside.
 */
function checkQueuesOfTasks(
  { tasks = [], endpoints = [], queues = {} }: ErrandConfig,
  names: readonly string[],
  refuse: Refuse,
): void {
  const devices = endpoints.flatMap(({ device }) => (device === undefined ? [] : [device]));
  const lone = [
    "default",
    ...endpoints.filter((one) => one.device === undefined).map((one) => one.name),
  ];
  const known = [
    ...new Set([...lone.map((one) => `model:${one}`), ...devices.map((one) => `device:${one}`)]),
  ];
  for (const { type, options } of tasks) {
    const { queue } = options;
    if (queue === undefined || !/^(?:model|device):/.test(queue)) continue;
    if (known.includes(queue) || Object.hasOwn(queues, queue)) continue;
    const shared = names.find((one) => queue === `model:${one}`);
    const device = endpoints.find((one) => one.name === shared)?.device;
    const hint = device === undefined ? "" : ` (endpoint ${shared} shares device:${device})`;
    refuse(
      `the queue of task type "${type}"`,
      `is ${queue}, which no endpoint and no entry of queues has${hint}; there are: ${known.join(", ")}`,
    );
  }
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}

function isTaskType(task: unknown): task is AnyTaskType {
  return (
    isRecord(task) &&
    typeof task["type"] === "string" &&
    typeof task["handler"] === "function" &&
    isRecord(task["options"])
  );
}
