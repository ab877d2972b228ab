import { ErrandError } from "../../../core/errors.ts";
import { ModelError } from "../../../ports/models.ts";
import { modelSettings, modelsOf, type ModelEnv } from "./model-settings.ts";
import { refusal, serveModels } from "./serve-models.ts";

/**
 * The llm-worker on its own: a Worker that is reached by the service binding `LLM_WORKER` alone, holds the keys of the
 * models, calls them and hands over their streams. It has no state.
 */
export default {
  async fetch(request: Request, env: ModelEnv): Promise<Response> {
    try {
      const settings = modelSettings(env);
      if (settings === null)
        throw new ErrandError(
          "unavailable",
          "the llm-worker has no model: set its ERRAND_MODEL_BASE_URL, or bind AI",
        );
      return await serveModels(modelsOf(settings, env), request);
    } catch (error) {
      if (!(error instanceof ErrandError)) throw error;
      return refusal(new ModelError("refused", error.message));
    }
  },
};
