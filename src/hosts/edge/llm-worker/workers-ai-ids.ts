/**
 * The one file with model ids of Workers AI: what serves a role that `ERRAND_ROLE_<NAME>` does not name. Models come and
 * go there every few months (seed 000's "Llama 3.1" is gone): compare with
 * https://developers.cloudflare.com/workers-ai/models/ before you deploy.
 */
export const workersAiIds: Readonly<Record<string, string>> = {
  chat: "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
  planner: "@cf/openai/gpt-oss-120b",
  worker: "@cf/meta/llama-3.1-8b-instruct-fast",
  writer: "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
  embed: "@cf/baai/bge-m3",
};
