import { Component } from "react";
import type { ReactNode } from "react";

interface ErrorFenceProps {
  /** Shown instead of what broke. */
  readonly instead: ReactNode;
  readonly children: ReactNode;
}

/**
 * Keeps an error of the views inside from taking the page down: a chunk that did not load, a text that the renderer
 * cannot take. A class, because React tells errors to classes only.
 */
export class ErrorFence extends Component<ErrorFenceProps, { readonly isBroken: boolean }> {
  override state: { readonly isBroken: boolean } = { isBroken: false };

  static getDerivedStateFromError(): { readonly isBroken: boolean } {
    return { isBroken: true };
  }

  override render(): ReactNode {
    return this.state.isBroken ? this.props.instead : this.props.children;
  }
}

/** What is left when the page itself broke. */
export function Broken(): ReactNode {
  return (
    <main className="blank">
      <h2>This page has a bug and stopped.</h2>
      <p>Nothing on the server is lost: your tasks go on.</p>
      <button type="button" className="button" onClick={() => location.reload()}>
        Load the page again
      </button>
    </main>
  );
}
