/** Microseconds of the clock that all processes of a machine share; it never jumps. */
export function clockUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
