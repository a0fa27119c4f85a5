/**
 * Who is here. Three ways, none of which puts a token into an address:
 *
 * - the front end that opened or frames this page hands an access token over by `postMessage`;
 * - else the page asks for e-mail and password, and keeps the session for this tab;
 * - a guest comes with the secret of a link behind the `#`, which is taken out of the address at once.
 */

import { asked, NotNow, Refused } from '../call/entry.js';

const KEPT = 'booking.consultation.session';
const GUEST = 'booking.consultation.guest';
const HOST_SECONDS = 3;

/** What this tab keeps; a frame whose browser lets it keep nothing remembers until it is left. */
const kept = {
  memory: new Map(),
  get(name) {
    try {
      return sessionStorage.getItem(name);
    } catch {
      return this.memory.get(name) ?? null;
    }
  },
  set(name, value) {
    try {
      sessionStorage.setItem(name, value);
    } catch {
      this.memory.set(name, value);
    }
  },
  remove(name) {
    try {
      sessionStorage.removeItem(name);
    } catch {
      this.memory.delete(name);
    }
  },
};

export class Session {
  /** @param {string[]} origins of front ends that may hand a session over */
  constructor(origins) {
    this.origins = origins;
    this.access = '';
    this.refresh = kept.get(KEPT) || '';
    this.host = window.parent !== window ? window.parent : window.opener;
    this.isHanded = false;
  }

  /** Whether this page has signed in by itself, and so can sign out. */
  get isOwn() {
    return Boolean(this.refresh) && !this.isHanded;
  }

  /**
   * @param {boolean} again whether the last one was refused
   * @returns {Promise<string>} an access token
   * @throws {Refused} with 401: nobody is signed in
   */
  async token(again) {
    if (this.access && !again) return this.access;
    // Several ask at the same moment; a token to refresh by is good once.
    this.asking ||= this.renew(again).finally(() => (this.asking = null));
    return this.asking;
  }

  async renew(again) {
    const handed = await this.ofHost(again);
    this.isHanded = Boolean(handed);
    if (handed) return (this.access = handed);
    if (!this.refresh) throw new Refused(401, { code: 'unauthenticated' });
    try {
      return await this.grant({ grant_type: 'refresh_token', refresh_token: this.refresh });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.forget();
      throw new Refused(401, { code: error.code });
    }
  }

  signIn(username, password) {
    return this.grant({ grant_type: 'password', username, password });
  }

  async grant(fields) {
    const tokens = await asked('/v1/auth/token', { method: 'POST', body: new URLSearchParams(fields) });
    this.access = tokens.access_token;
    this.refresh = tokens.refresh_token;
    kept.set(KEPT, this.refresh);
    return this.access;
  }

  async signOut() {
    const token = this.access;
    this.forget();
    await asked('/v1/auth/sign-out', { method: 'POST', token }).catch((error) => {
      if (!(error instanceof Refused || error instanceof NotNow)) throw error;
    });
  }

  forget() {
    this.access = this.refresh = '';
    kept.remove(KEPT);
  }

  /** Ask who opened or frames this page; only a site that the operator has named is heard. */
  ofHost(again) {
    if (!this.host || !this.origins.length) return Promise.resolve('');
    return new Promise((done) => {
      const heard = ({ source, origin, data }) => {
        if (source !== this.host || !this.origins.includes(origin)) return;
        if (data?.type === 'booking.consultation.token') finish(String(data.access_token || ''));
      };
      const finish = (token) => {
        removeEventListener('message', heard);
        clearTimeout(timer);
        done(token);
      };
      const timer = setTimeout(() => finish(''), 1000 * HOST_SECONDS);
      addEventListener('message', heard);
      const question = { type: 'booking.consultation.wants_token', again };
      for (const origin of this.origins) this.host.postMessage(question, origin);
    });
  }
}

/** The guest's secret: of the address, or what an earlier visit of this tab left. */
export function guestToken() {
  const given = location.hash.slice(1);
  if (given) {
    history.replaceState(null, '', location.pathname + location.search);
    kept.set(GUEST, given);
  }
  return kept.get(GUEST) || '';
}

/** By this the guest comes back: the link opens once. */
export function keepGuest(returnToken) {
  kept.set(GUEST, returnToken);
}
