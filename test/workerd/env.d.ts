import type { EdgeEnv } from "../../src/hosts/edge/settings.ts";
import type { TestObject } from "./worker.ts";

declare global {
  namespace Cloudflare {
    /** The bindings that wrangler.jsonc declares, as `env` from "cloudflare:workers" shows them. */
    interface Env extends EdgeEnv {
      TEST_OBJECT: DurableObjectNamespace<TestObject>;
    }
  }
}
