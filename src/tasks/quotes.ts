/** The text between quotes that hold all of `words`; `null` if there are none. */
export function unquoted(words: string): string | null {
  const match =
    /^(?:"([^"]+)"|'((?:[^']|(?<=\w)'(?=\w))+)'|`([^`]+)`|“([^”]+)”|‘([^]+)’|«([^»]+)»)$/.exec(
      words,
    );
  const inner = match
    ?.slice(1)
    .find((group) => group !== undefined)
    ?.trim();
  return inner === undefined || inner === "" ? null : inner;
}
