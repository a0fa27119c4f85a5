/**
 * Ways into a room: each returns what `Room` needs before every connection, a fresh ticket among it.
 *
 * A token travels in headers and bodies only. An address ends up in logs and histories.
 */

const SECONDS = 15;

/** A refusal that trying again does not change, or not before `opensAt`. */
export class Refused extends Error {
  /**
   * @param {number} status of the answer
   * @param {Record<string, any>} problem as the API words it (RFC 9457)
   */
  constructor(status, problem) {
    super(problem.code || String(status));
    this.status = status;
    this.code = problem.code || '';
    this.roomState = problem.room_state || null;
    this.opensAt = problem.opens_at ? new Date(problem.opens_at) : null;
    this.closesAt = problem.closes_at ? new Date(problem.closes_at) : null;
  }
}

/** Nobody answered, or not for now: worth another try, after `seconds` at the earliest. */
export class NotNow extends Error {
  /** @param {number} seconds @param {string} [about] */
  constructor(seconds = 0, about = 'unreachable') {
    super(about);
    this.seconds = seconds;
  }
}

/**
 * Ask the API for JSON.
 *
 * @param {string} address
 * @param {RequestInit & {token?: string | null, asText?: boolean}} [options] `token`: an access token
 * @returns {Promise<any>} the body; null where there is none
 * @throws {Refused} for 4xx, `NotNow` for what may be better later
 */
export async function asked(address, { token = null, asText = false, ...options } = {}) {
  const headers = new Headers(options.headers || {});
  if (token) headers.set('Authorization', `Bearer ${token}`);
  let answer;
  let text;
  try {
    answer = await fetch(address, {
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(SECONDS * 1000),
      ...options,
      headers,
    });
    text = await answer.text();
  } catch {
    throw new NotNow();
  }
  const body = text && /json/.test(answer.headers.get('Content-Type') || '') ? JSON.parse(text) : null;
  if (answer.ok) return asText ? text : body;
  if (answer.status === 429 || answer.status >= 500) {
    throw new NotNow(Number(answer.headers.get('Retry-After')) || 0, body && body.code);
  }
  throw new Refused(answer.status, body || {});
}

/**
 * The way of a doctor or a patient.
 *
 * @param {object} about
 * @param {string} about.bookingId
 * @param {(again: boolean) => Promise<string>} about.token gives an access token; `again`: the last
 *   one was refused, so another is wanted. May throw `Refused` with 401: nobody is signed in.
 * @param {string} [about.base] where the API is reached, the origin of the page by itself
 */
export function partyEntry({ bookingId, token, base = location.origin }) {
  const booking = `${base}/v1/bookings/${encodeURIComponent(bookingId)}`;
  const room = `${base}/v1/consultations/${encodeURIComponent(bookingId)}`;

  /** As `asked`, with the token of now; a refused one is replaced once. */
  async function signed(address, options = {}) {
    try {
      return await asked(address, { ...options, token: await token(false) });
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error;
      return asked(address, { ...options, token: await token(true) });
    }
  }

  return {
    signed,
    room,
    booking,
    bookingId,
    base,
    enter: async () => reachedAt(base, await signed(`${booking}/consultation`)),
    /** Chat between two numbers, for a page that has been away for long. */
    async history(after, before) {
      const found = [];
      let next = `${room}/messages?limit=100&after=${after}`;
      while (next) {
        const page = await signed(next);
        for (const one of page.items) if (one.seq < before) found.push(one);
        const isThrough = !page.next_cursor || page.items.some((one) => one.seq >= before);
        const cursor = encodeURIComponent(page.next_cursor);
        next = isThrough ? '' : `${room}/messages?limit=100&after=${after}&cursor=${cursor}`;
      }
      return found.map(({ sender, ...one }) => ({ ...one, from: sender }));
    },
  };
}

/**
 * The way of a guest, by the token of the link that the doctor made.
 *
 * @param {object} about
 * @param {string} about.token of the link, or the `return_token` of an earlier answer
 * @param {(returnToken: string, name: string) => void} [about.keep] is told by what the guest comes
 *   back: the link opens once
 * @param {string} [about.base]
 */
export function guestEntry({ token, keep = () => {}, base = location.origin }) {
  let known = token;
  return {
    async enter() {
      const way = await asked(`${base}/v1/consultation-guests`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ token: known }),
      });
      known = way.return_token;
      keep(known, way.name);
      return reachedAt(base, way);
    },
    history: async () => [],
  };
}

/** A page that reaches the API at one origin opens the socket there, too. */
function reachedAt(base, way) {
  const socket = new URL(way.websocket_url);
  const reached = new URL(base);
  socket.protocol = reached.protocol === 'https:' ? 'wss:' : 'ws:';
  socket.host = reached.host;
  return { ...way, websocket_url: socket.href };
}
