import { useId } from "react";
import type { ReactNode } from "react";
import type { ModelStatus } from "../../client/index.ts";
import { Icon } from "./icon.tsx";
import { usePage } from "./page-context.ts";

/** Which model answers, in words, with how to connect one behind it. */
export function ModelStatusButton(): ReactNode {
  const model = usePage((state) => state.model);
  const id = useId();
  if (model === null) return null;
  return (
    <>
      <button
        type="button"
        className="model-status"
        data-connected={model.connected}
        popoverTarget={id}
        aria-label={`Model: ${wordsOf(model)}`}
      >
        <Icon name="plug" />
        <span className="model-words">{shortWordsOf(model)}</span>
      </button>
      <div id={id} popover="auto" className="popover">
        {model.connected ? <Connected model={model} /> : <NotConnected model={model} />}
      </div>
    </>
  );
}

/** The same in one line, for narrow windows and the empty chat. */
export function wordsOf(model: ModelStatus): string {
  if (!model.connected)
    return model.baseUrl === null
      ? "No model connected: using the built-in assistant"
      : "The model does not answer";
  return model.models.length === 0 ? "Model connected" : model.models.join(", ");
}

function shortWordsOf(model: ModelStatus): string {
  const first = model.models[0];
  if (!model.connected || first === undefined) return wordsOf(model);
  return model.models.length === 1 ? first : `${first} +${model.models.length - 1}`;
}

function Connected({ model }: { readonly model: ModelStatus }): ReactNode {
  return (
    <>
      <h2>Model connected</h2>
      {model.baseUrl !== null && (
        <p>
          Endpoint <code>{model.baseUrl}</code>
        </p>
      )}
      <ul className="plain-list">
        {model.models.map((name) => (
          <li key={name}>
            <code>{name}</code>
          </li>
        ))}
      </ul>
      {model.note !== "" && <p>{model.note}</p>}
    </>
  );
}

function NotConnected({ model }: { readonly model: ModelStatus }): ReactNode {
  const { baseUrl, note } = model;
  if (baseUrl !== null) {
    return (
      <>
        <h2>The model does not answer</h2>
        <p>
          Endpoint <code>{baseUrl}</code>
        </p>
        <p>
          What you send waits for it. Commands such as <code>list</code> and <code>work</code> are
          answered at once.
        </p>
        {note !== "" && <p className="quiet">{note}</p>}
      </>
    );
  }
  return (
    <>
      <h2>No model connected</h2>
      <p>
        A small rule-based assistant answers instead. It keeps your queue and your tasks, but it
        cannot think.
      </p>
      <p>To connect a model, start one of these on this machine. Errand finds it by itself.</p>
      <ul>
        <li>Ollama, on port 11434</li>
        <li>LM Studio, with its server on port 1234</li>
      </ul>
      <p>Or start Errand with any OpenAI-compatible endpoint:</p>
      <pre>
        <code>ERRAND_MODEL_BASE_URL=http://127.0.0.1:8000/v1 npm start</code>
      </pre>
      {note !== "" && <p className="quiet">{note}</p>}
    </>
  );
}
