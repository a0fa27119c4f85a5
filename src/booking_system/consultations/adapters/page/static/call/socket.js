/**
 * The socket of a room, which comes back by itself: tickets, close codes, watchdog.
 *
 * Events: `frame` (detail: what came), `state` (detail: state, and until when it waits), `closed`
 * (detail: why it does not come back by itself).
 */

import { NotNow, Refused } from './entry.js';
import { Patience } from './patience.js';

const SILENT = 45_000;
const PROBE = 5_000;
const OPENING = 15_000;

export class RoomSocket extends EventTarget {
  /**
   * @param {object} about
   * @param {() => Promise<any>} about.enter gives a ticket and where to go with it
   * @param {() => object} about.hello the first frame, as it is by then
   */
  constructor({ enter, hello }) {
    super();
    this.enter = enter;
    this.hello = hello;
    this.patience = new Patience();
    /** @type {'idle' | 'connecting' | 'joined' | 'waiting' | 'closed'} */
    this.state = 'idle';
    this.retryAt = 0;
    this.unknownTickets = 0;
    this.heardAt = 0;
    this.pingEvery = 20_000;
    this.turn = 0;
    this.wake = () => this.woken();
  }

  /** Come in; also after the end of an earlier connection. */
  open() {
    if (this.state === 'connecting' || this.state === 'joined') return;
    addEventListener('online', this.wake);
    document.addEventListener('visibilitychange', this.wake);
    this.beat ||= setInterval(() => this.watch(), 1000);
    this.attempt();
  }

  /** Go, without another try. @param {object} [last] a frame that says so */
  close(last) {
    if (last) this.send(last);
    this.drop(1000);
    this.finish({ why: 'left' });
  }

  /** @returns {boolean} whether it went out */
  send(frame) {
    if (!this.socket || this.socket.readyState !== WebSocket.OPEN) return false;
    if (this.state !== 'joined' && frame.type !== 'hello') return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Try now instead of later. */
  retry() {
    if (this.state === 'waiting') this.attempt();
  }

  async attempt() {
    clearTimeout(this.timer);
    const turn = (this.turn += 1);
    this.set('connecting');
    let way;
    try {
      way = await this.enter();
    } catch (error) {
      if (turn !== this.turn) return;
      if (error instanceof Refused) this.finish(ofRefusal(error));
      else this.later(0, error instanceof NotNow ? 1000 * error.seconds : 0);
      return;
    }
    if (turn === this.turn) this.connect(way);
  }

  connect(way) {
    this.dispatchEvent(new CustomEvent('way', { detail: way }));
    const socket = new WebSocket(way.websocket_url, ['booking.v1', `ticket.${way.ticket}`]);
    this.socket = socket;
    this.heardAt = Date.now();
    this.probedAt = 0;
    socket.onopen = () => this.send(this.hello());
    socket.onmessage = ({ data }) => this.hear(JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.gone(code, reason);
  }

  hear(frame) {
    this.heardAt = Date.now();
    this.probedAt = 0;
    if (frame.type === 'welcome') {
      this.patience.joined();
      this.unknownTickets = 0;
      this.pingEvery = 1000 * frame.ping_every;
      this.pingedAt = Date.now();
      this.set('joined');
    }
    this.dispatchEvent(new CustomEvent('frame', { detail: frame }));
  }

  /** Forget a socket: what a dead one says later is not heard. */
  drop(code) {
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code === 1000 ? 1000 : 4000);
  }

  gone(code, reason) {
    this.drop(code);
    if (code === 4409) this.finish({ why: 'replaced' });
    else if (code === 4403) this.finish({ why: 'forbidden' });
    else if (code === 4408) this.finish({ why: 'over', state: reason });
    else if (code === 4401 && ++this.unknownTickets > 1) this.finish({ why: 'signed_out' });
    else this.later(code, 0);
  }

  later(code, atLeast) {
    const wait = Math.max(atLeast, this.patience.after(code));
    this.retryAt = Date.now() + wait;
    this.set('waiting');
    this.timer = setTimeout(() => this.attempt(), wait);
  }

  finish(detail) {
    this.turn += 1;
    clearTimeout(this.timer);
    clearInterval(this.beat);
    this.beat = 0;
    removeEventListener('online', this.wake);
    document.removeEventListener('visibilitychange', this.wake);
    if (this.state === 'closed' && detail.why === 'left') return;
    this.set('closed');
    this.dispatchEvent(new CustomEvent('closed', { detail }));
  }

  set(state) {
    this.state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }

  /** `readyState` stays open on a dead line: only what comes in proves it. */
  watch(now = Date.now()) {
    if (!this.socket) return;
    const silent = now - this.heardAt;
    const isUnanswered = this.probedAt && now - this.probedAt >= PROBE;
    const limit = this.state === 'joined' ? SILENT : OPENING;
    if (silent >= limit || isUnanswered) {
      this.drop(4000);
      this.later(1006, 0);
    } else if (this.state === 'joined' && now - this.pingedAt >= this.pingEvery) {
      this.ping(now);
    }
  }

  ping(now) {
    this.pingedAt = now;
    return this.send({ type: 'ping', t: now });
  }

  /** The page was asleep, or the network was: look at once. */
  woken() {
    if (document.visibilityState === 'hidden') return;
    if (this.state === 'waiting') this.attempt();
    else if (this.state === 'joined' && this.ping(Date.now())) this.probedAt = Date.now();
  }
}

/** @param {Refused} error */
function ofRefusal({ status, roomState, opensAt, closesAt }) {
  if (status === 401) return { why: 'signed_out' };
  if (status === 409) return { why: 'over', state: roomState, opensAt, closesAt };
  return { why: 'forbidden' };
}
