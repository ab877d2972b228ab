import { DurableObject } from "cloudflare:workers";

import { ErrandHome } from "../../src/hosts/edge/home-object.ts";
import { testEndpoint, testTasks } from "./edge-tasks.ts";

/** An empty Durable Object with SQLite: tests reach into it with `runInDurableObject`. */
export class TestObject extends DurableObject {}

/** The home of the edge host, with tasks and a model that tests steer. */
export class TestHome extends ErrandHome {
  override readonly config = {
    tasks: testTasks,
    endpoints: [testEndpoint],
    roles: { steered: { endpoint: testEndpoint.name, model: "steered" } },
  };
}

/** Workers need a default export; nothing calls this one. */
export default {
  fetch(): Response {
    return new Response("errand test worker");
  },
};
