import type { Surroundings } from "./surroundings.ts";

/** A page that is not looked at keeps its streams for so long: a short look elsewhere costs nothing. */
export const hiddenMsMax = 30_000;

/**
 * Gives the streams back while nobody looks at the page, and takes them up again when somebody does. Over HTTP/1.1 a
 * browser opens six connections to a server, all tabs together: six forgotten tabs would keep the seventh from loading
 * at all. Answers what ends it.
 */
export function parkHidden(
  { onVisible, after }: Pick<Surroundings, "onVisible" | "after">,
  streams: { readonly park: () => void; readonly resume: () => void },
): () => void {
  let cancel: (() => void) | null = null;
  let isParked = false;
  const unsubscribe = onVisible((visible) => {
    cancel?.();
    cancel = null;
    if (!visible) {
      cancel = after(hiddenMsMax, () => {
        isParked = true;
        streams.park();
      });
    } else if (isParked) {
      isParked = false;
      streams.resume();
    }
  });
  return () => {
    cancel?.();
    unsubscribe();
  };
}
