/*
 * What stands at the ends of a text, found in one walk. A pattern such as `[.!?]+$` begins anew at each character of a
 * run that is not at the end: people may send 200,000 of them, and a server has one thread.
 */

/** The text without the characters at its end that `isOuter` fits. */
export function withoutEnd(text: string, isOuter: RegExp): string {
  let end = text.length;
  while (end > 0 && isOuter.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** The text without the characters at both its ends that `isOuter` fits. */
export function withoutEdges(text: string, isOuter: RegExp): string {
  let start = 0;
  while (start < text.length && isOuter.test(text.charAt(start))) start += 1;
  return withoutEnd(text.slice(start), isOuter);
}

/** What stands in the first code fence of an answer; `undefined` without one. */
export function fencedIn(answer: string): string | undefined {
  const fence = "```";
  const start = answer.indexOf(fence);
  const end = start < 0 ? -1 : answer.indexOf(fence, start + fence.length);
  return end < 0 ? undefined : answer.slice(start + fence.length, end).replace(/^json/, "");
}
