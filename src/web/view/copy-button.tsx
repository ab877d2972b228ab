import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { Icon } from "./icon.tsx";

/** How long "Copied" stays. */
const copiedMs = 1_500;

/** Copies a text; says so for a moment. */
export function CopyButton({ text }: { readonly text: string }): ReactNode {
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setIsCopied(false), copiedMs);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setIsCopied(true);
    } catch {
      // Refused, or not a secure origin: nothing was copied, so nothing is said.
    }
  };
  const word = isCopied ? "Copied" : "Copy";
  return (
    <button
      type="button"
      className="icon-button small"
      aria-label={word}
      title={word}
      onClick={() => void copy()}
    >
      <Icon name={isCopied ? "check" : "copy"} />
    </button>
  );
}
