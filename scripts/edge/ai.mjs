/**
 * In place of the package `ai` at the edge: all that workers-ai-provider takes from it is this function, and the package is
 * 800 kB. ai.test.ts says when that is no longer so.
 */
export function generateId() {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 16);
}
