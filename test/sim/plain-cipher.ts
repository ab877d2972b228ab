import type { Cipher } from "../../src/ports/cipher.ts";

/**
 * A cipher that hides nothing, so that the simulator spends its time elsewhere. It keeps the one promise that
 * matters here: what was sealed for another place does not open.
 */
export function plainCipher(): Cipher {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return {
    prepare: () => undefined,
    seal: (user, place, plain) => encoder.encode(`${place}\n${user}\n${plain}`),
    open(place, sealed) {
      const text = decoder.decode(sealed);
      if (!text.startsWith(`${place}\n`)) {
        throw new Error(`sealed for "${text.slice(0, text.indexOf("\n"))}", opened as "${place}"`);
      }
      return text.slice(text.indexOf("\n", place.length + 1) + 1);
    },
    mac: (user, text) => `${user}:${text}`,
  };
}
