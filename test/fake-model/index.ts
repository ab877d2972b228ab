/** The fake model as tests and benches use it. */
export {
  type FakeModel,
  type FakeModelOptions,
  startFakeModel,
} from "../../src/adapters/fake-model/fake-model.ts";
