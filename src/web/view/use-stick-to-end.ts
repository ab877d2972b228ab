import { useCallback, useEffect, useRef, useState } from "react";
import type { RefObject } from "react";

/** Keeps a growing list at its end, until the person scrolls away from it. */
export interface StickToEnd {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly content: RefObject<HTMLDivElement | null>;
  readonly isAtEnd: boolean;
  readonly toEnd: () => void;
}

/** Nearer than this counts as the end: a thumb is not exact. */
const nearPx = 48;

/** Begins at the end. Show another list with another component key. */
export function useStickToEnd(): StickToEnd {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  const [isAtEnd, setIsAtEnd] = useState(true);

  const toEnd = useCallback(() => {
    sticks.current = true;
    const element = scroller.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
  }, []);

  useEffect(() => {
    const outer = scroller.current;
    const inner = content.current;
    if (outer === null || inner === null) return;
    outer.scrollTop = outer.scrollHeight;
    let lastTop = outer.scrollTop;
    const onScroll = (): void => {
      const near = outer.scrollHeight - outer.clientHeight - outer.scrollTop < nearPx;
      // Only a movement upwards is a wish to leave the end: content that grew moved nothing.
      if (near) sticks.current = true;
      else if (outer.scrollTop < lastTop) sticks.current = false;
      lastTop = outer.scrollTop;
      setIsAtEnd(near || sticks.current);
    };
    const observer = new ResizeObserver(() => {
      if (sticks.current) outer.scrollTop = outer.scrollHeight;
      else onScroll();
    });
    observer.observe(inner);
    observer.observe(outer);
    outer.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      outer.removeEventListener("scroll", onScroll);
    };
  }, []);

  return { scroller, content, isAtEnd, toEnd };
}
