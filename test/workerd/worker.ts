import { DurableObject } from "cloudflare:workers";

/** An empty Durable Object with SQLite: tests reach into it with `runInDurableObject`. */
export class TestObject extends DurableObject {}

/** Workers need a default export; nothing calls this one. */
export default {
  fetch(): Response {
    return new Response("errand test worker");
  },
};
