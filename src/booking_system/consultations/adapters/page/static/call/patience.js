/** How long to wait before the next try: full jitter, so that many pages do not come at once. */

const FIRST = 250;
const LONGEST = 10_000;
const SETTLED = 30_000;

export class Patience {
  /** @param {() => number} [random] from 0 to 1 */
  constructor(random = Math.random) {
    this.random = random;
    this.failures = 0;
    this.joinedAt = 0;
  }

  /** A connection stands; it counts as good when it has stood for half a minute. */
  joined(now = Date.now()) {
    this.joinedAt = now;
  }

  /**
   * @param {number} code of the close event; 0: no socket was opened
   * @returns {number} milliseconds
   */
  after(code, now = Date.now()) {
    // The server goes, or a life of ten minutes is over: nothing has failed.
    if (code === 1012) return this.random() * 2000;
    if (code === 1001) return this.random() * 500;
    if (this.joinedAt && now - this.joinedAt >= SETTLED) this.failures = 0;
    this.joinedAt = 0;
    const most = Math.min(LONGEST, FIRST * 2 ** this.failures);
    this.failures += 1;
    return this.random() * most;
  }
}
