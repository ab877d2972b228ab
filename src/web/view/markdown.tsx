import { memo } from "react";
import type { ComponentProps, JSX, ReactNode } from "react";
import { defaultRehypePlugins, Streamdown } from "streamdown";
import type { Components, StreamdownProps } from "streamdown";
import { CopyButton } from "./copy-button.tsx";

/**
 * Model output is data (SPEC): raw HTML is not parsed at all, what markdown makes is sanitised, and pictures are shown as
 * links, so that reading an answer never calls another server.
 */
const rehypePlugins: NonNullable<StreamdownProps["rehypePlugins"]> = [
  defaultRehypePlugins["sanitize"],
  defaultRehypePlugins["harden"],
].filter((plugin) => plugin !== undefined);

/** An answer stands below the page's h1 and its own h2, whatever levels its headings claim. */
const headings: Components = { h1: "h3", h2: "h4", h3: "h5", h4: "h6", h5: "h6", h6: "h6" };

const components: Components = {
  ...headings,
  input: Checkbox,
  a: Link,
  img: PictureLink,
  pre: CodeBlock,
  strong: "strong",
  code: Code,
  table: Table,
};

/** Renders markdown, also while it is half-written. */
export const Markdown: (props: { readonly text: string; readonly isLive: boolean }) => ReactNode =
  memo(function Markdown({ text, isLive }) {
    return (
      <Streamdown
        className="markdown"
        mode={isLive ? "streaming" : "static"}
        parseIncompleteMarkdown={isLive}
        components={components}
        rehypePlugins={rehypePlugins}
        controls={false}
        linkSafety={{ enabled: false }}
      >
        {text}
      </Streamdown>
    );
  });

/** Props of an element made from markdown: its attributes, and the node that it was made of. */
type ElementProps<Name extends keyof JSX.IntrinsicElements> = ComponentProps<Name> & {
  readonly node?: HastNode | undefined;
};

function Link({ href, children }: ElementProps<"a">): ReactNode {
  if (href === undefined) return <span>{children}</span>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

function PictureLink({ src, alt }: ElementProps<"img">): ReactNode {
  if (typeof src !== "string") return alt;
  return (
    <a href={src} target="_blank" rel="noopener noreferrer nofollow">
      {alt === undefined || alt === "" ? "Picture" : alt}
    </a>
  );
}

/** A box of a task list: a picture with a word, since nobody can tick it here. */
function Checkbox({ checked }: ElementProps<"input">): ReactNode {
  return (
    <>
      <span className="checkbox" data-checked={checked === true} aria-hidden="true" />
      <span className="unseen">{checked === true ? "done: " : "open: "}</span>
    </>
  );
}

function CodeBlock({ children, node }: ElementProps<"pre">): ReactNode {
  const code = textOf(node);
  return (
    <figure className="code-block">
      <figcaption>
        <span>{languageOf(node)}</span>
        <CopyButton text={code} />
      </figcaption>
      {/* Wide code scrolls, so the keyboard must reach it. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0}>{children}</pre>
    </figure>
  );
}

function Code({ children }: ElementProps<"code">): ReactNode {
  return <code>{children}</code>;
}

function Table({ children }: ElementProps<"table">): ReactNode {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className="table-scroll" tabIndex={0} aria-label="Table">
      <table>{children}</table>
    </section>
  );
}

/** The part of a syntax tree node that is read here. */
interface HastNode {
  readonly type: string;
  readonly value?: unknown;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly children?: readonly HastNode[];
}

function textOf(node: HastNode | undefined): string {
  if (node === undefined) return "";
  if (typeof node.value === "string") return node.value;
  return (node.children ?? []).map(textOf).join("");
}

function languageOf(node: HastNode | undefined): string {
  const names = node?.children?.[0]?.properties?.["className"];
  const first: unknown = Array.isArray(names) ? names[0] : names;
  return typeof first === "string" ? first.replace(/^language-/, "") : "";
}
