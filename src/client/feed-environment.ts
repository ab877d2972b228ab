/** A wish to look at the connection now: the device is online again, or the page is looked at again. */
export type WakeCause = "online" | "visible";

/** What a feed needs of its surroundings, injected so that tests own the time. */
export interface FeedEnvironment {
  nowMs(): number;
  /** A double in [0, 1). */
  random(): number;
  /** Calls back once after `delayMs`; the answer cancels it. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back at each wake; the answer unsubscribes. */
  onWake(callback: (cause: WakeCause) => void): () => void;
}

/**
 * The real surroundings. In a browser a wake is the `online` event or the page becoming visible; elsewhere there is
 * none. `offline` is not listened to: a server on loopback stays reachable without any network, and a dead one is
 * noticed by silence.
 */
export function platformEnvironment(): FeedEnvironment {
  return {
    nowMs: () => performance.now(),
    random: () => Math.random(),
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    onWake: browserWakes,
  };
}

function browserWakes(callback: (cause: WakeCause) => void): () => void {
  if (typeof window === "undefined") return () => {};
  const online = (): void => callback("online");
  const visible = (): void => {
    if (document.visibilityState === "visible") callback("visible");
  };
  window.addEventListener("online", online);
  document.addEventListener("visibilitychange", visible);
  return () => {
    window.removeEventListener("online", online);
    document.removeEventListener("visibilitychange", visible);
  };
}
