import { defineTask, type AnyTaskType, type Endpoint } from "../../src/engine/index.ts";
import { passGate, steering, testEndpoint } from "../hosts/steered.ts";

/** Homes and queues of this suite that know the device: those of these names. */
export const deviceNames = /^(?:user|session|queue)\/device/;

/** Two model servers on one GPU: one serves two calls, the other one. */
export const deviceEndpoints: readonly Endpoint[] = [
  { ...testEndpoint, name: "large", device: "gpu", slots: 2 },
  { ...testEndpoint, name: "small", device: "gpu", slots: 1 },
];

/** Which of them is asked as which role. */
export const deviceRoles = {
  large: { endpoint: "large", model: "large" },
  small: { endpoint: "small", model: "small" },
};

/** Takes the whole device until its gate is open. */
const train = defineTask<{ readonly name: string }, string>(
  "device_train",
  { queue: "device:gpu", slots: "all" },
  async ({ name }, ctx) => {
    await ctx.step("epoch", async ({ signal }) => {
      steering().started.push(name);
      await passGate(name, signal);
    });
    return "trained";
  },
);

/** Asks a model of the device. */
const ask = defineTask<{ readonly role: string }, string>(
  "device_ask",
  { priority: "interactive" },
  async ({ role }, ctx) => {
    const messages = [{ role: "user", content: `${ctx.userId} ${ctx.taskId}` }] as const;
    return (await ctx.generate(role, { messages })).text;
  },
);

/** Task types of homes that know the device. */
export const deviceTasks: readonly AnyTaskType[] = [train, ask];
