/** Holds one value and tells when it changed. Views read it, only reducers make the next value. */
export interface Store<S, A> {
  readonly get: () => S;
  /** Reduces and tells every subscriber, once, and only if the value is another object. */
  readonly dispatch: (action: A) => void;
  readonly subscribe: (listener: () => void) => () => void;
}

/** Makes a store. A dispatch inside a subscriber is allowed; its subscribers are told after the present ones. */
export function createStore<S, A>(initial: S, reduce: (state: S, action: A) => S): Store<S, A> {
  let state = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    dispatch(action) {
      const next = reduce(state, action);
      if (next === state) return;
      state = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
