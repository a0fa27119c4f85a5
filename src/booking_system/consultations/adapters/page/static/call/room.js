/**
 * What a page knows of a room: who is there, what was said, where it stands. No picture, no sound.
 *
 * Events: `change` (detail: which part), `message` (detail: a new one), `signal` (detail: an `offer`,
 * `answer` or `ice` of another page), `welcome`, `closed` (detail: `{why, …}`).
 */

import { Outbox } from './outbox.js';
import { RoomSocket } from './socket.js';

const TYPING_ENDS = 6_000;
const TYPING_PAUSE = 2_500;
const STORED = new Set(['chat', 'admitted', 'held', 'ended']);
const OFF = { mic: 'off', camera: 'off', screen: 'off' };

export class Room extends EventTarget {
  /** @param {{enter: () => Promise<any>, history?: (after: number, before: number) => Promise<any[]>}} entry */
  constructor(entry) {
    super();
    this.entry = entry;
    this.client = crypto.randomUUID();
    /** @type {{role: string, epoch: number} | null} */
    this.you = null;
    /** What the way in said: window, role, for guests their name. */
    this.way = null;
    /** Others by their seat: `{who, state, epoch, client, media, name, since}`. */
    this.people = new Map();
    /** @type {Array<{seq: number, id: string, from: string, at: string, text: string}>} */
    this.chat = [];
    /** By seat: `{delivered, read}`, numbers of what is stored. */
    this.marks = new Map();
    /** Seats that write just now. */
    this.typing = new Set();
    this.typingEnds = new Map();
    this.isAdmitted = false;
    this.lateMinutes = 0;
    this.isDoctorElsewhere = false;
    this.isExtended = false;
    this.closesAt = null;
    this.ice = { servers: [], relayOnly: false };
    this.end = null;
    this.last = 0;
    this.told = { delivered: 0, read: 0, typing: 0 };
    this.media = { ...OFF };
    this.clockAhead = 0;
    this.wasHere = false;
    this.socket = new RoomSocket({ enter: entry.enter, hello: () => this.hello() });
    this.outbox = new Outbox((frame) => this.socket.send(frame));
    this.socket.addEventListener('frame', ({ detail }) => this.hear(detail));
    this.socket.addEventListener('state', () => this.changed('connection'));
    this.socket.addEventListener('closed', ({ detail }) => this.closed(detail));
    this.socket.addEventListener('way', ({ detail }) => {
      this.way = detail;
      this.closesAt = new Date(detail.closes_at);
    });
  }

  /** Milliseconds since 1970 by the server's clock. */
  now() {
    return Date.now() + this.clockAhead;
  }

  open() {
    this.end = null;
    this.socket.open();
  }

  /** Go on purpose: others see that at once. */
  leave() {
    this.socket.close({ type: 'leave' });
  }

  say(text, fields = {}) {
    const words = text.trim();
    if (words || fields.file_id) this.outbox.add(words, fields);
    this.write(false);
    this.changed('chat');
  }

  /** Somebody writes here, or stopped. */
  write(isOn) {
    const now = Date.now();
    if (isOn ? now - this.told.typing < TYPING_PAUSE : !this.told.typing) return;
    this.told.typing = isOn ? now : 0;
    this.socket.send({ type: 'typing', on: isOn });
  }

  /** All that was said up to now was seen. */
  read() {
    if (this.last <= this.told.read) return;
    if (this.socket.send({ type: 'read', seq: this.last })) {
      this.told.read = this.told.delivered = this.last;
    }
  }

  admit(who = 'patient') {
    this.socket.send({ type: 'admit', who });
  }

  hold(who = 'patient') {
    this.socket.send({ type: 'hold', who });
  }

  late(minutes) {
    this.socket.send({ type: 'late', minutes });
  }

  extend() {
    if (this.socket.send({ type: 'extend' })) this.isExtended = true;
  }

  endForAll() {
    this.socket.send({ type: 'end' });
  }

  /** Tell what this page sends from now on. */
  show(media) {
    if (Object.keys(OFF).every((name) => this.media[name] === media[name])) return;
    this.media = { ...media };
    this.socket.send({ type: 'media', ...this.media });
  }

  hello() {
    return {
      type: 'hello',
      client: this.client,
      last_seq: this.last,
      media: this.media,
      resume: this.wasHere,
    };
  }

  hear(frame) {
    const { type } = frame;
    if (STORED.has(type)) this.store(frame);
    else if (type === 'welcome') this.welcomed(frame);
    else if (type === 'presence') this.met(frame);
    else if (type === 'mark') this.marks.set(frame.who, frame), this.changed('marks');
    else if (type === 'typing') this.writes(frame.who, frame.on);
    else if (type === 'late') this.lateMinutes = frame.minutes, this.changed('room');
    else if (type === 'doctor') this.isDoctorElsewhere = frame.elsewhere, this.changed('room');
    else if (type === 'window') this.closesAt = new Date(frame.closes_at), this.changed('window');
    else if (type === 'moved') this.moved = new Date(frame.opens_at);
    else if (type === 'ice_servers') this.ice = { ...this.ice, servers: frame.servers };
    else if (type === 'pong') this.clockAhead = Date.parse(frame.server_now) - Date.now();
    else if (type === 'error') this.refused(frame);
    else this.dispatchEvent(new CustomEvent('signal', { detail: frame }));
  }

  welcomed(frame) {
    this.you = frame.you;
    this.wasHere = true;
    this.moved = null;
    this.clockAhead = Date.parse(frame.server_now) - Date.now();
    this.ice = { servers: frame.ice_servers, relayOnly: frame.relay_only };
    this.closesAt = new Date(frame.closes_at);
    this.lateMinutes = frame.room.late_minutes;
    this.isExtended = frame.room.extended;
    this.isDoctorElsewhere = frame.room.doctor_elsewhere;
    if (frame.you.role !== 'guest') this.isAdmitted = frame.you.role === 'doctor' || frame.room.admitted;
    this.people = new Map(frame.peers.map((one) => [one.who, one]));
    this.typing.clear();
    // A new connection knows of no marks; what was told before may have been lost.
    this.told = { delivered: 0, read: 0, typing: 0 };
    if (frame.gap) this.fill(this.last, frame.first_seq);
    this.last = frame.first_seq - 1;
    this.dispatchEvent(new CustomEvent('welcome', { detail: frame }));
    this.outbox.again();
    this.changed('people');
  }

  /** A stored frame: each is taken once. */
  store(frame) {
    if (frame.type === 'chat') this.outbox.stored(frame.id);
    if (frame.seq <= this.last) return;
    this.last = frame.seq;
    if (frame.type === 'chat') {
      this.chat.push(frame);
      this.writes(frame.from, false);
      this.dispatchEvent(new CustomEvent('message', { detail: frame }));
      this.changed('chat');
    } else if (frame.type === 'ended') {
      this.end = { reason: frame.reason };
    } else if (this.you && frame.who === this.you.role) {
      this.isAdmitted = frame.type === 'admitted';
      this.changed('people');
    }
    clearTimeout(this.delivering);
    this.delivering = setTimeout(() => this.deliver(), 200);
  }

  deliver() {
    if (this.last <= this.told.delivered) return;
    if (this.socket.send({ type: 'delivered', seq: this.last })) this.told.delivered = this.last;
  }

  /** Older messages than the server sends by itself are read over HTTP. */
  async fill(after, before) {
    const found = await (this.entry.history || (async () => []))(after, before).catch(() => []);
    const known = new Set(this.chat.map((one) => one.seq));
    this.chat.push(...found.filter((one) => !known.has(one.seq)));
    this.chat.sort((one, other) => one.seq - other.seq);
    this.changed('chat');
  }

  met({ type: _, ...person }) {
    this.people.set(person.who, person);
    if (person.state === 'away' || person.state === 'left') this.writes(person.who, false);
    this.changed('people');
  }

  writes(who, isOn) {
    clearTimeout(this.typingEnds.get(who));
    if (isOn) this.typingEnds.set(who, setTimeout(() => this.writes(who, false), TYPING_ENDS));
    if (this.typing.has(who) === isOn) return;
    this.typing[isOn ? 'add' : 'delete'](who);
    this.changed('typing');
  }

  refused({ code, id, retry_after: seconds }) {
    if (id && (code === 'rate_limited' || code === 'unavailable')) this.outbox.refused(id, seconds);
    else if (id && this.outbox.dropped(id)) this.changed('chat');
    this.dispatchEvent(new CustomEvent('refused', { detail: { code, id } }));
  }

  closed(detail) {
    if (this.moved) this.end = { reason: 'moved', opensAt: this.moved };
    else if (this.end) this.end = { ...this.end, why: detail.why };
    else this.end = { reason: detail.why === 'over' ? detail.state : detail.why, ...detail };
    this.dispatchEvent(new CustomEvent('closed', { detail: this.end }));
    this.changed('connection');
  }

  changed(what) {
    this.dispatchEvent(new CustomEvent('change', { detail: what }));
  }
}
