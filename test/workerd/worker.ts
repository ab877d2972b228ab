import { DurableObject } from "cloudflare:workers";

import { ErrandError } from "../../src/core/errors.ts";
import type { HomeAnswer, HomeCall } from "../../src/hosts/edge/home-call.ts";
import { ErrandHome } from "../../src/hosts/edge/home-object.ts";
import type { EdgeConfig } from "../../src/hosts/edge/opened-home.ts";
import { ErrandWorkflow } from "../../src/hosts/edge/workflow/errand-workflow.ts";
import { steeredTasks } from "../integration/server/steered-tasks.ts";
import { passGate, steering, testEndpoint, testTasks } from "../hosts/steered.ts";
import { deviceEndpoints, deviceNames, deviceRoles, deviceTasks } from "./device-parts.ts";
import { flowTasks, flowUsers, planningEndpoint } from "./flow-parts.ts";

export { AiStandIn } from "./ai-stand-in.ts";

/** An empty Durable Object with SQLite: tests reach into it with `runInDurableObject`. */
export class TestObject extends DurableObject {}

const planningRoles = Object.fromEntries(
  ["planner", "worker", "writer"].map((role) => [
    role,
    { endpoint: planningEndpoint.name, model: "planning" },
  ]),
);

/** The home of the edge host, with tasks and models that tests steer. */
export class TestHome extends ErrandHome {
  get #hasDevice(): boolean {
    return deviceNames.test(this.ctx.id.name ?? "");
  }

  override readonly config: EdgeConfig = {
    tasks: [
      ...testTasks,
      ...steeredTasks(passGate).types,
      ...flowTasks,
      ...(this.#hasDevice ? deviceTasks : []),
    ],
    endpoints: [testEndpoint, planningEndpoint, ...(this.#hasDevice ? deviceEndpoints : [])],
    // So that an object falls asleep as soon as a test wants it to.
    feedQuietMs: 20,
    roles: {
      steered: { endpoint: testEndpoint.name, model: "steered" },
      // Journeys have no such model; users of Workflows, and those they are compared with, do.
      ...(/^(?:user|session|queue)\/(?:flow|plain|model:planning)/.test(this.ctx.id.name ?? "")
        ? planningRoles
        : {}),
      ...(this.#hasDevice ? deviceRoles : {}),
    },
    flows: flowTasks.map(({ type }) => type),
    workflows: flowUsers.test(this.ctx.id.name ?? "")
      ? ["orchestrate", ...flowTasks.map(({ type }) => type)]
      : [],
    flowHeartbeatMs: 50,
  };

  /** Loses what a test wants to be lost. */
  override async call(call: HomeCall): Promise<HomeAnswer> {
    if (call.is === "flow" && call.operation.is === "end" && steering().open.has("lose ends")) {
      const lost = new ErrandError("conflict", "lost by a test");
      return { ok: false, error: lost.toData() };
    }
    return await super.call(call);
  }
}

/** Workflows of the edge host, with flows that tests steer. */
export class TestWorkflow extends ErrandWorkflow {
  override readonly flows = flowTasks;
}

/** Workers need a default export; nothing calls this one. */
export default {
  fetch(): Response {
    return new Response("errand test worker");
  },
};
