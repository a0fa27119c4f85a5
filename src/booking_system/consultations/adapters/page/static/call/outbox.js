/** Chat messages that were written, until the server has stored them: in order, each once. */

const AT_ONCE = 8;

export class Outbox {
  /** @param {(frame: object) => boolean} send */
  constructor(send) {
    this.send = send;
    /** @type {Array<{id: string, text: string, fields: object, isOut: boolean}>} */
    this.waiting = [];
    this.pausedUntil = 0;
    this.timer = 0;
  }

  /** @param {string} text @param {object} [fields] further ones of the frame */
  add(text, fields = {}) {
    const one = { id: crypto.randomUUID(), text, fields, isOut: false };
    this.waiting.push(one);
    this.go();
    return one;
  }

  /** A connection has begun: what nobody confirmed goes out again. */
  again() {
    for (const one of this.waiting) one.isOut = false;
    this.pausedUntil = 0;
    this.go();
  }

  /** It is stored. @param {string} id */
  stored(id) {
    this.waiting = this.waiting.filter((one) => one.id !== id);
    this.go();
  }

  /** The server has refused it for now: all go again, so that the order stays. */
  refused(id, seconds) {
    if (!this.waiting.some((one) => one.id === id)) return;
    this.pausedUntil = Date.now() + 1000 * (seconds || 1);
    for (const one of this.waiting) one.isOut = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.go(), this.pausedUntil - Date.now());
  }

  /** It will not be stored. @returns the message, for whom wrote it */
  dropped(id) {
    const found = this.waiting.find((one) => one.id === id);
    this.waiting = this.waiting.filter((one) => one !== found);
    return found;
  }

  go() {
    if (Date.now() < this.pausedUntil) return;
    for (const one of this.waiting.slice(0, AT_ONCE)) {
      if (one.isOut) continue;
      one.isOut = this.send({ type: 'chat', id: one.id, text: one.text, ...one.fields });
      if (!one.isOut) return;
    }
  }
}
