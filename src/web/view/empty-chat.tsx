import type { ReactNode } from "react";
import { Icon } from "./icon.tsx";
import type { IconName } from "./icon.tsx";
import { wordsOf } from "./model-status.tsx";
import { useControl, usePage } from "./page-context.ts";

interface Example {
  readonly icon: IconName;
  readonly title: string;
  readonly text: string;
}

/** What is answered at once without a model, also while the one that is configured does not answer: typed commands. */
const withoutModel: readonly Example[] = [
  { icon: "panel", title: "Put something in your queue", text: "enqueue water the plants" },
  { icon: "play", title: "Have it worked on", text: "work" },
  { icon: "chat", title: "See what it can do", text: "help" },
];

const withModel: readonly Example[] = [
  {
    icon: "chat",
    title: "Ask for something long, then close the tab",
    text: "Explain how a message queue keeps its promises, with a small example in TypeScript.",
  },
  {
    icon: "panel",
    title: "Put something in your queue",
    text: "Add 'water the plants' to the queue",
  },
  { icon: "clock", title: "Ask what is going on", text: "What jobs are in the list?" },
];

/** A chat before its first message: what this is, and three errands to click. */
export function EmptyChat(): ReactNode {
  const control = useControl();
  const model = usePage((state) => state.model);
  const examples = model?.connected === true ? withModel : withoutModel;
  return (
    <section className="empty" aria-labelledby="empty-title">
      <h2 id="empty-title">What can I take care of?</h2>
      <p>
        Every message becomes a task on the server. Close the tab whenever you like: the work goes
        on, and the answer is here when you come back.
      </p>
      <ul className="examples">
        {examples.map((example) => (
          <li key={example.text}>
            <button
              type="button"
              className="example"
              onClick={() => void control.chat.send(example.text)}
            >
              <Icon name={example.icon} />
              <span className="example-title">{example.title}</span>
              <span className="example-text">{example.text}</span>
              <Icon name="send" />
            </button>
          </li>
        ))}
      </ul>
      {model !== null && !model.connected && <p className="quiet">{wordsOf(model)}.</p>}
    </section>
  );
}
