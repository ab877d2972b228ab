import type { Models } from "../../ports/models.ts";

/** Stands for the first chat model an endpoint offers when it is called. */
export const anyModel = "auto";

/** Models where {@link anyModel} is whatever chat model the endpoint offers at that moment. */
export function firstModel(models: Models): Models {
  async function* streamFirst(...[call, options]: Parameters<Models["stream"]>) {
    const offered = await models.list(options);
    const model = offered.find((id) => !/embed/i.test(id)) ?? call.model;
    yield* models.stream({ ...call, model }, options);
  }
  return {
    ...models,
    stream: (call, options) =>
      call.model === anyModel ? streamFirst(call, options) : models.stream(call, options),
  };
}
