import { DurableObject } from "cloudflare:workers";

import { steeredTasks } from "../integration/server/steered-tasks.ts";
import { ErrandHome } from "../../src/hosts/edge/home-object.ts";
import { passGate, testEndpoint, testTasks } from "../hosts/steered.ts";

/** An empty Durable Object with SQLite: tests reach into it with `runInDurableObject`. */
export class TestObject extends DurableObject {}

/** The home of the edge host, with tasks and a model that tests steer. */
export class TestHome extends ErrandHome {
  override readonly config = {
    tasks: [...testTasks, ...steeredTasks(passGate).types],
    endpoints: [testEndpoint],
    // So that an object falls asleep as soon as a test wants it to.
    feedQuietMs: 20,
    roles: { steered: { endpoint: testEndpoint.name, model: "steered" } },
  };
}

/** Workers need a default export; nothing calls this one. */
export default {
  fetch(): Response {
    return new Response("errand test worker");
  },
};
