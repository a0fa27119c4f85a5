/**
 * What to do about a connection that does not carry: when to wait, to restart ICE, to begin anew.
 *
 * `failed` alone comes after half a minute, `disconnected` alone is noise, and `connected` proves
 * nothing: so what arrives is looked at, too. Pure: instants come from outside, in milliseconds.
 */

export const PATIENT = 3_000;
const PAUSE = 5_000;
const STALLED = 5_000;
const DEAD = 10_000;
const PROVEN = 10_000;
const CONNECTING = 10_000;
const MOST_RESTARTS = 4;

export class Recovery {
  /** @param {() => boolean} hasRelay whether there is a relay to fall back on */
  constructor(hasRelay) {
    this.hasRelay = hasRelay;
    this.tries = 0;
    this.began(0);
  }

  /** A new connection was made. */
  began(now) {
    this.state = 'new';
    this.since = now;
    this.actedAt = now;
    this.movedAt = now;
    this.hasMoved = false;
    this.isAsked = false;
  }

  /** @param {string} state the `connectionState` by now */
  is(state, now) {
    if (state === this.state) return;
    this.state = state;
    this.since = now;
    if (state !== 'connected') return;
    this.movedAt = now;
    // What was asked for while it was broken has come about: to do it once more would break it again.
    this.isAsked = false;
  }

  /** Something arrived, or nothing is expected to. */
  moved(now) {
    this.hasMoved = true;
    this.movedAt = now;
    const isSettled = this.state === 'connected' && now - Math.max(this.since, this.actedAt) > PROVEN;
    if (isSettled) this.tries = 0;
  }

  /** The network has changed, or the other side asks: restart as soon as may be. */
  ask() {
    this.isAsked = true;
  }

  /**
   * @returns {null | 'restart' | 'rebuild' | 'relay' | 'phone'} `phone`: it will not work by itself;
   *   tries go on, but somebody should be told
   */
  next(now) {
    if (!this.isNeeded(now)) return null;
    this.isAsked = false;
    this.actedAt = now;
    this.tries += 1;
    const isDead = this.state === 'connected' && now - this.movedAt >= DEAD;
    if (this.tries <= MOST_RESTARTS && !isDead) return 'restart';
    if (this.tries <= MOST_RESTARTS + 1) {
      this.tries = MOST_RESTARTS + 1;
      return 'rebuild';
    }
    if (this.tries === MOST_RESTARTS + 2 && this.hasRelay()) return 'relay';
    return 'phone';
  }

  isNeeded(now) {
    const pause = this.tries > MOST_RESTARTS ? 2 * PAUSE : PAUSE;
    if (this.tries > 0 && now - this.actedAt < pause) return false;
    const lasted = now - this.since;
    if (this.state === 'failed') return true;
    if (this.state === 'disconnected') return lasted >= PATIENT;
    if (this.state === 'connected') return this.isAsked || now - this.movedAt >= STALLED;
    return this.isAsked || now - this.actedAt >= CONNECTING;
  }
}
