import { describe, expect, test } from "vitest";
import { openSettings } from "./settings.ts";
import type { TextStore } from "./settings.ts";

function memory(texts: Record<string, string> = {}): TextStore & { texts: Map<string, string> } {
  const map = new Map(Object.entries(texts));
  return {
    texts: map,
    getItem: (name) => map.get(name) ?? null,
    setItem: (name, text) => void map.set(name, text),
    removeItem: (name) => void map.delete(name),
  };
}

const send = {
  actionId: "x",
  sessionId: "chat_1",
  text: "hi",
  createdAtMs: 1,
  afterId: "u0",
  failure: null,
  matchedId: null,
};

describe("settings", () => {
  test("[WEB44] a choice is read back; the usual one leaves nothing behind", () => {
    const store = memory();
    const settings = openSettings(() => store);
    expect(settings.theme).toBe("system");
    settings.setTheme("dark");
    settings.setOpen("panel", false);
    expect(openSettings(() => store)).toMatchObject({
      theme: "dark",
      open: { sidebar: true, panel: false },
    });
    settings.setTheme("system");
    settings.setOpen("panel", true);
    settings.setKey(null);
    expect(store.texts.size).toBe(0);
  });

  test("[WEB10] unconfirmed messages are kept; a failed one stays failed", () => {
    const store = memory();
    const failed = { ...send, actionId: "y", failure: { kind: "network", detail: "" } } as const;
    openSettings(() => store).setOutbox([send, failed]);
    expect(openSettings(() => store).outbox()).toEqual([send, failed]);
    openSettings(() => store).setOutbox([]);
    expect(store.texts.size).toBe(0);
  });

  test("[WEB10] an outbox that cannot be read costs nothing else", () => {
    for (const text of ["", "{", "{}", '[1,null,{"actionId":1}]']) {
      expect(openSettings(() => memory({ "errand.outbox": text })).outbox()).toEqual([]);
    }
  });

  test("[WEB44] storage that is refused is like an empty one, and a key lasts as long as the page", () => {
    const refuse = (): never => {
      throw new DOMException("refused", "SecurityError");
    };
    const full = { ...memory(), setItem: refuse };
    for (const open of [refuse, () => full]) {
      const settings = openSettings(open);
      settings.setKey("k");
      settings.setOutbox([send]);
      expect([settings.key(), settings.theme, settings.outbox()]).toEqual(["k", "system", []]);
      settings.setKey(null);
      expect(settings.key()).toBeNull();
    }
  });
});
