import { WorkerEntrypoint } from "cloudflare:workers";

import { FakeAi, type FakeAiCall } from "../../src/adapters/fake-model/fake-ai.ts";

const fake = new FakeAi();

/** In place of the `AI` binding where no account is: a service binding with the same `run()`. */
export class AiStandIn extends WorkerEntrypoint {
  async run(model: string, input: unknown): Promise<unknown> {
    return await fake.run(model, input);
  }

  /** What it was asked. */
  calls(): readonly FakeAiCall[] {
    return fake.calls;
  }
}

/** As a Worker of its own it is reached by its binding alone. */
export default {
  fetch(): Response {
    return new Response("the stand-in of Workers AI\n", { status: 404 });
  },
};
