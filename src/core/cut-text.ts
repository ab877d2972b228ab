/** The text up to its limit in UTF-16 units, without half of a surrogate pair at its end. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  return text.slice(0, charsMax).replace(/[\ud800-\udbff]$/, "");
}
