/** What to do after the server has ended by itself: start it again after a while, or stop trying. */
export type Verdict = { restart: true; afterMilliseconds: number } | { restart: false };

const AT_MOST = 5;
const WITHIN = 3 * 60_000;
const FIRST_WAIT = 1000;

/** Counts how often the server ended by itself: the fifth time in three minutes is the last. */
export class Restarts {
  #ends: number[] = [];

  /** The server ended by itself at this time, in milliseconds. */
  ended(now: number): Verdict {
    this.#ends = [...this.#ends.filter((end) => now - end < WITHIN), now];
    if (this.#ends.length >= AT_MOST) return { restart: false };
    return { restart: true, afterMilliseconds: FIRST_WAIT * 2 ** (this.#ends.length - 1) };
  }

  /** Someone asked for a new start: what was before does not count. */
  forget(): void {
    this.#ends = [];
  }
}
