const clock: Intl.DateTimeFormat = new Intl.DateTimeFormat("en", {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const day: Intl.DateTimeFormat = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const whole: Intl.DateTimeFormat = new Intl.DateTimeFormat("en", {
  dateStyle: "medium",
  timeStyle: "long",
});

/** "8 s", "3 min", "2 h", "4 d": a length of time, rounded down, at least 0 s. */
export function durationWords(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** "soon", "in about 10–25 s", "in about 40 s to 3 min": a guess, no finer than it is known. */
export function rangeWords(fromMs: number, toMs: number): string {
  const [from, to] = [roughly(Math.min(fromMs, toMs)), roughly(toMs)];
  if (to.count < 3 && to.unit === "s") return "soon";
  const end = `${to.count} ${to.unit}`;
  if (from.unit === to.unit)
    return from.count >= to.count ? `in about ${end}` : `in about ${from.count}–${end}`;
  return `in about ${from.count} ${from.unit} to ${end}`;
}

/** A length of time in the unit and the steps in which people guess. */
function roughly(ms: number): { readonly count: number; readonly unit: "s" | "min" | "h" } {
  const seconds = Math.max(1, ms / 1000);
  if (seconds < 12) return { count: Math.round(seconds), unit: "s" };
  if (seconds < 90) return { count: Math.round(seconds / 5) * 5, unit: "s" };
  if (seconds < 5_400) return { count: Math.round(seconds / 60), unit: "min" };
  return { count: Math.round(seconds / 3600), unit: "h" };
}

/** "now", "5 min ago", "14:05" within a day, else "21 Nov". */
export function agoWords(atMs: number, nowMs: number): string {
  const passed = nowMs - atMs;
  if (passed < 60_000) return "now";
  if (passed < 3_600_000) return `${durationWords(passed)} ago`;
  return passed < 86_400_000 ? clock.format(atMs) : day.format(atMs);
}

/** "14:05". */
export function timeWords(atMs: number): string {
  return clock.format(atMs);
}

/** The moment whole, with its time zone, for titles and copies. */
export function momentWords(atMs: number): string {
  return whole.format(atMs);
}

/** "1st", "2nd", "3rd", "4th", "11th". */
export function ordinal(position: number): string {
  const tens = position % 100;
  if (tens >= 11 && tens <= 13) return `${position}th`;
  return `${position}${["th", "st", "nd", "rd"][position % 10] ?? "th"}`;
}
