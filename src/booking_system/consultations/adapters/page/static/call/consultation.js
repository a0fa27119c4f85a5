/**
 * A consultation for a page: room, devices, and connections to the others. No framework, no markup.
 *
 *     const call = new Consultation(partyEntry({ bookingId, token }));
 *     call.addEventListener('change', () => draw(call));
 *     await call.devices.open();
 *     call.join();
 *
 * Events: `change` (something that is shown has changed), `message` (detail: a chat message that is
 * new), `closed` (detail: why), `trouble` (picture and sound do not come about: offer the telephone).
 */

import { Devices } from './devices.js';
import { Link, LINES } from './link.js';
import { Room } from './room.js';

export { guestEntry, NotNow, partyEntry, Refused } from './entry.js';
export { addressOf, FileRefused, sendFile } from './files.js';
export { levelOf } from './interruptions.js';

/** Of two seats the first makes the offers. */
const ORDER = ['doctor', 'patient', 'guest'];

export class Consultation extends EventTarget {
  /**
   * @param {any} entry of `partyEntry` or `guestEntry`
   * @param {object} [options]
   * @param {Devices} [options.devices]
   * @param {boolean} [options.relayOnly] use the relay alone, under any policy
   */
  constructor(entry, { devices = new Devices(), relayOnly = false } = {}) {
    super();
    this.room = new Room(entry);
    this.devices = devices;
    this.relayOnly = relayOnly;
    /** By seat. @type {Map<string, Link>} */
    this.links = new Map();
    this.hasTrouble = false;
    this.listen();
  }

  listen() {
    const { room, devices } = this;
    const pass = (from, name) =>
      from.addEventListener(name, ({ detail }) =>
        this.dispatchEvent(new CustomEvent(name, { detail })),
      );
    pass(room, 'message');
    pass(room, 'refused');
    pass(room, 'change');
    room.addEventListener('change', ({ detail }) => detail === 'people' && this.align());
    room.addEventListener('welcome', () => this.links.forEach((link) => link.resume()));
    room.addEventListener('signal', ({ detail }) => this.signal(detail));
    room.addEventListener('closed', ({ detail }) => this.over(detail));
    devices.addEventListener('change', () => (room.show(devices.media), this.changed()));
    devices.addEventListener('track', ({ detail }) =>
      this.links.forEach((link) => link.replace(detail)),
    );
    this.awake = () => document.visibilityState === 'visible' && this.links.size && this.stayAwake();
    document.addEventListener('visibilitychange', this.awake);
  }

  /** Come into the room; again after another page has taken over. */
  join() {
    this.room.media = this.devices.media;
    this.room.open();
  }

  /** Go on purpose. The devices are let go. */
  leave() {
    this.room.leave();
    this.rest();
  }

  get isJoined() {
    return this.room.socket.state === 'joined';
  }

  /** Somebody else's picture and sound: `camera` (with the sound) and `screen`. */
  streams(seat) {
    return this.links.get(seat)?.streams || null;
  }

  /** Of all connections the worst: `good`, `weak`, `very_weak`; `none`: there is no connection. */
  get quality() {
    const levels = [...this.links.values()].map((link) =>
      link.state === 'connected' ? link.looks.level : 'none',
    );
    return ['none', 'very_weak', 'weak', 'good'].find((level) => levels.includes(level)) || 'none';
  }

  /** The picture was taken back so that the sound comes through. */
  get isSoundOnly() {
    return this.devices.isPaused;
  }

  /** Send the picture again, now. */
  sendPicture() {
    for (const link of this.links.values()) link.looks.sound.reset(Date.now());
    this.devices.pause(false);
  }

  /** Connect to all who are let in, as this page is. */
  align() {
    const { room } = this;
    const me = ORDER.indexOf(room.you?.role);
    for (const [seat, person] of room.people) {
      const link = this.links.get(seat);
      const isWanted = room.isAdmitted && (person.state === 'here' || (link && person.state === 'away'));
      if (!isWanted) this.cut(seat);
      else if (person.state === 'here') (link || this.connect(seat, me < ORDER.indexOf(seat))).meet(person);
    }
    for (const seat of this.links.keys()) if (!room.people.has(seat)) this.cut(seat);
    if (this.links.size) this.stayAwake();
  }

  connect(seat, offers) {
    const { room, devices } = this;
    const link = new Link({
      seat,
      offers,
      send: (frame) => room.socket.send(frame),
      ice: () => ({ ...room.ice, relayOnly: room.ice.relayOnly || this.relayOnly }),
      track: (line) => devices.track(line),
      person: () => room.people.get(seat),
    });
    this.links.set(seat, link);
    for (const name of ['stream', 'state']) link.addEventListener(name, () => this.linked(link));
    link.addEventListener('quality', () => this.soundFirst());
    link.addEventListener('silent', () => devices.renew('mic'));
    link.addEventListener('trouble', () => this.troubled(true));
    return link;
  }

  linked(link) {
    if (link.state === 'connected') this.troubled(false);
    this.changed();
  }

  troubled(isOn) {
    if (this.hasTrouble === isOn) return;
    this.hasTrouble = isOn;
    if (isOn) this.dispatchEvent(new Event('trouble'));
    this.changed();
  }

  soundFirst() {
    const isWeak = [...this.links.values()].some((link) => link.looks.isSoundOnly);
    this.devices.pause(isWeak);
    this.changed();
  }

  cut(seat) {
    this.links.get(seat)?.close();
    if (!this.links.delete(seat)) return;
    if (!this.links.size) {
      this.troubled(false);
      this.devices.pause(false);
      this.letSleep();
    }
    this.changed();
  }

  signal(frame) {
    // A guest hears of being let in by a stored frame, or by the first offer.
    if (!this.room.isAdmitted && frame.type === 'offer') {
      this.room.isAdmitted = true;
      this.align();
    }
    this.links.get(frame.from)?.hear(frame);
  }

  over(detail) {
    this.rest();
    this.dispatchEvent(new CustomEvent('closed', { detail }));
  }

  rest() {
    for (const seat of [...this.links.keys()]) this.cut(seat);
    for (const line of LINES) this.devices.drop(line);
    this.devices.wanted.screen = false;
    this.letSleep();
  }

  /** Done with it for good. */
  close() {
    this.leave();
    this.devices.close();
    document.removeEventListener('visibilitychange', this.awake);
  }

  /** A telephone must not fall asleep in a call. */
  async stayAwake() {
    if (!navigator.wakeLock || this.lock?.released === false || this.isLocking) return;
    this.isLocking = true;
    this.lock = await navigator.wakeLock.request('screen').catch(() => null);
    this.isLocking = false;
  }

  letSleep() {
    this.lock?.release();
    this.lock = null;
  }

  changed() {
    this.dispatchEvent(new CustomEvent('change', { detail: 'call' }));
  }
}
