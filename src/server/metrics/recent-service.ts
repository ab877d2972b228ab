/** Length of a window in milliseconds; what is told is the present one and the one before. */
const windowMs = 300_000;
/** Users a window remembers one by one; what others are served is summed. */
const usersMax = 1_024;
/** Users that are told one by one. */
const toldMax = 10;
/** Name under which the rest is told. It is no user id: those have no parentheses. */
export const otherUsers = "(other)";

/** Slot-seconds of users in the last five to ten minutes, in bounded memory. */
export class RecentService {
  #sinceMs = 0;
  #now = new Map<string, number>();
  #before = new Map<string, number>();

  /** A user has held a slot for so many seconds. */
  add(user: string, seconds: number, nowMs: number): void {
    this.#turn(nowMs);
    const known = this.#now.get(user);
    const name = known === undefined && this.#now.size >= usersMax ? otherUsers : user;
    this.#now.set(name, (this.#now.get(name) ?? 0) + seconds);
  }

  /** The users served most, and the rest as {@link otherUsers}. */
  top(nowMs: number): readonly { readonly user: string; readonly seconds: number }[] {
    this.#turn(nowMs);
    const sums = new Map(this.#before);
    for (const [user, seconds] of this.#now) sums.set(user, (sums.get(user) ?? 0) + seconds);
    let rest = sums.get(otherUsers) ?? 0;
    sums.delete(otherUsers);
    const ranked = Array.from(sums, ([user, seconds]) => ({ user, seconds })).sort(
      (a, b) => b.seconds - a.seconds,
    );
    const told = ranked.slice(0, toldMax);
    for (const { seconds } of ranked.slice(toldMax)) rest += seconds;
    return rest > 0 ? [...told, { user: otherUsers, seconds: rest }] : told;
  }

  #turn(nowMs: number): void {
    const age = nowMs - this.#sinceMs;
    if (age < windowMs) return;
    this.#before = age < 2 * windowMs ? this.#now : new Map();
    this.#now = new Map();
    this.#sinceMs = nowMs;
  }
}
