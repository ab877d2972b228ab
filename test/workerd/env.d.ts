import type { EdgeEnv } from "../../src/hosts/edge/settings.ts";
import type { FakeAiCall } from "../../src/adapters/fake-model/fake-ai.ts";
import type { AiBinding } from "../../src/hosts/edge/llm-worker/workers-ai.ts";
import type { TestObject } from "./worker.ts";

declare global {
  namespace Cloudflare {
    /** The bindings that wrangler.jsonc declares, as `env` from "cloudflare:workers" shows them. */
    interface Env extends EdgeEnv {
      TEST_OBJECT: DurableObjectNamespace<TestObject>;
      AI_STAND_IN: { run: AiBinding["run"]; calls(): Promise<readonly FakeAiCall[]> };
    }
  }
}
