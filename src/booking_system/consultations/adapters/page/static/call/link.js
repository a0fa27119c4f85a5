/**
 * One connection to one other page, for picture and sound.
 *
 * One side makes all offers. There are three lines for good: sound, camera, screen. Devices change by
 * `replaceTrack`, so nothing is negotiated but the first offer and restarts of ICE. The server passes
 * signalling on at most once; the two pages make it reliable, by ids and by sending again.
 *
 * Events: `stream` (remote tracks are there), `state`, `trouble` (it will not work by itself).
 */

import { Recovery } from './recovery.js';
import { Looks } from './quality.js';

const KINDS = ['audio', 'video', 'video'];
export const LINES = ['mic', 'camera', 'screen'];
const MOST_EARLY = 50;
const FIRST_AGAIN = 1_000;
const LATER_AGAIN = 3_000;
const TICK = 1_000;

export class Link extends EventTarget {
  /**
   * @param {object} about
   * @param {string} about.seat of the other page
   * @param {boolean} about.offers whether this side makes the offers
   * @param {(frame: object) => boolean} about.send
   * @param {() => {servers: RTCIceServer[], relayOnly: boolean}} about.ice as it is by now
   * @param {(line: string) => MediaStreamTrack | null} about.track what is sent on a line
   * @param {() => any} about.person the other side, as presence shows it
   */
  constructor({ seat, offers, send, ice, track, person }) {
    super();
    Object.assign(this, { seat, offers, sendFrame: send, ice, track, person });
    this.relayOnly = false;
    this.errors = [];
    this.work = Promise.resolve();
    this.recovery = new Recovery(() => this.hasRelay());
    this.looks = new Looks(this);
    this.streams = { camera: new MediaStream(), screen: new MediaStream() };
    this.timer = setInterval(() => this.run(() => this.tick(Date.now())), TICK);
    /** The network has changed: the addresses of before may lead nowhere. */
    this.network = () => {
      clearTimeout(this.networkTimer);
      this.networkTimer = setTimeout(() => this.recovery.ask(), 1000);
    };
    addEventListener('online', this.network);
    navigator.connection?.addEventListener?.('change', this.network);
  }

  get state() {
    return this.pc ? this.pc.connectionState : 'new';
  }

  /** One thing after the other; what goes wrong is kept to be looked at. */
  run(action) {
    this.work = this.work.then(action).catch((error) => {
      if (!this.isClosed) this.errors = [...this.errors.slice(-20), `${error.name}: ${error.message}`];
    });
    return this.work;
  }

  /** The other page is there, or has come again by another connection. */
  meet({ epoch, client }) {
    return this.run(async () => {
      const isOther = this.client !== undefined && client !== this.client;
      const isNew = epoch !== this.epoch;
      [this.client, this.epoch] = [client, epoch];
      if (isOther) this.forget();
      if (this.offers && !this.pc) await this.begin();
      else if (isNew) this.sendAgain();
      if (this.ahead?.epoch === epoch) await this.take(this.ahead);
    });
  }

  /** This page has another connection to the room: what was under way may be lost. */
  resume() {
    return this.run(() => this.sendAgain());
  }

  /** A frame of the other page. */
  hear(frame) {
    return this.run(() => this.take(frame));
  }

  /** Send something else on a line from now on. */
  replace(line) {
    return this.run(() => this.sender(line)?.replaceTrack(this.track(line)));
  }

  close() {
    this.isClosed = true;
    clearInterval(this.timer);
    clearTimeout(this.networkTimer);
    removeEventListener('online', this.network);
    navigator.connection?.removeEventListener?.('change', this.network);
    this.forget();
  }

  sender(line) {
    return this.pc?.getTransceivers()[LINES.indexOf(line)]?.sender;
  }

  hasRelay() {
    return this.ice().servers.some(({ urls }) => [urls].flat().some((one) => /^turns?:/.test(one)));
  }

  config() {
    const { servers, relayOnly } = this.ice();
    return {
      iceServers: servers,
      iceTransportPolicy: relayOnly || this.relayOnly ? 'relay' : 'all',
      bundlePolicy: 'max-bundle',
    };
  }

  forget() {
    const pc = this.pc;
    this.pc = null;
    this.open = this.answered = this.ahead = null;
    this.session = '';
    this.candidates = [];
    this.early = [];
    if (!pc) return;
    pc.onicecandidate = pc.onconnectionstatechange = pc.ontrack = null;
    pc.close();
  }

  make() {
    this.forget();
    const pc = (this.pc = new RTCPeerConnection(this.config()));
    pc.onicecandidate = ({ candidate }) => this.found(candidate);
    pc.onconnectionstatechange = () => {
      this.recovery.is(pc.connectionState, Date.now());
      if (pc.connectionState === 'connected') this.looks.limit();
      this.dispatchEvent(new Event('state'));
    };
    this.recovery.began(Date.now());
    this.looks.forget();
    return pc;
  }

  async begin() {
    const pc = this.make();
    for (const kind of KINDS) pc.addTransceiver(kind, { direction: 'sendrecv' });
    await this.attach();
    await this.offer(false);
  }

  /** Put our tracks on the lines, and theirs into streams. */
  async attach() {
    const lines = this.pc.getTransceivers();
    for (const [at, line] of LINES.entries()) {
      lines[at].direction = 'sendrecv';
      await lines[at].sender.replaceTrack(this.track(line));
    }
    const [mic, camera, screen] = lines.map((one) => one.receiver.track);
    this.streams = { camera: new MediaStream([mic, camera]), screen: new MediaStream([screen]) };
    this.dispatchEvent(new Event('stream'));
  }

  async offer(iceRestart) {
    if (this.open) return this.sendAgain();
    const pc = this.pc;
    await pc.setLocalDescription(await pc.createOffer({ iceRestart }));
    this.open = { id: crypto.randomUUID(), description: pc.localDescription.toJSON() };
    this.say({ type: 'offer', ...this.open });
  }

  say(frame) {
    this.saidAt = Date.now();
    return this.epoch !== undefined && this.sendFrame({ ...frame, to: this.epoch });
  }

  /** All that was not answered goes out again; the ids make that harmless. */
  sendAgain() {
    if (!this.pc) return;
    if (this.open) this.say({ type: 'offer', ...this.open });
    else if (this.answered) this.say({ type: 'answer', ...this.answered });
    for (const candidate of this.candidates) this.say({ type: 'ice', candidate });
  }

  found(candidate) {
    if (!candidate || !candidate.candidate) return;
    const { candidate: line, sdpMid, sdpMLineIndex, usernameFragment } = candidate.toJSON();
    if (this.candidates[0]?.usernameFragment !== usernameFragment) this.candidates = [];
    const told = { candidate: line, sdpMid, sdpMLineIndex, usernameFragment };
    this.candidates.push(told);
    this.say({ type: 'ice', candidate: told });
  }

  async take(frame) {
    if (frame.epoch !== this.epoch) {
      // Of a connection that presence has not told of yet, or does not tell of any more.
      if (frame.type === 'offer' && frame.epoch > (this.epoch ?? 0)) this.ahead = frame;
      return;
    }
    this.ahead = null;
    if (frame.type === 'offer') await this.takeOffer(frame);
    else if (frame.type === 'answer') await this.takeAnswer(frame);
    else if (frame.restart) this.recovery.ask();
    else await this.takeCandidate(frame.candidate);
  }

  async takeOffer({ id, description }) {
    if (this.offers) return;
    if (this.answered?.re === id) {
      this.sendAgain();
      return;
    }
    const session = /^o=\S+ (\d+)/m.exec(description.sdp)?.[1] ?? '';
    // Another session: the other page has made a new connection, which the old one cannot answer.
    if (!this.pc || session !== this.session) {
      this.make();
      this.session = session;
    }
    this.pc.setConfiguration(this.config());
    await this.pc.setRemoteDescription(description);
    if (!this.answered) await this.attach();
    await this.pc.setLocalDescription();
    this.answered = { re: id, description: this.pc.localDescription.toJSON() };
    this.say({ type: 'answer', ...this.answered });
    await this.addEarly();
  }

  async takeAnswer({ re, description }) {
    if (!this.open || re !== this.open.id || this.pc.signalingState !== 'have-local-offer') return;
    await this.pc.setRemoteDescription(description);
    this.open = null;
    await this.addEarly();
  }

  async takeCandidate(candidate) {
    this.early = [...this.early, candidate].slice(-MOST_EARLY);
    await this.addEarly();
  }

  /** Candidates belong to one start of ICE: those of another one wait, or are never wanted. */
  async addEarly() {
    const sdp = this.pc?.remoteDescription?.sdp;
    if (!sdp) return;
    const isOfNow = (one) => sdp.includes(`a=ice-ufrag:${one.usernameFragment}\r\n`);
    const wanted = this.early.filter(isOfNow);
    this.early = this.early.filter((one) => !isOfNow(one));
    for (const one of wanted) await this.pc.addIceCandidate(one);
  }

  async tick(now) {
    if (this.isClosed) return;
    if (!this.pc) {
      // An answering page without an offer waits: the offering one sends it again.
      if (this.offers && this.client && this.isThere()) await this.begin();
      return;
    }
    await this.looks.look(now);
    const isFirst = !this.recovery.hasMoved;
    const isDue = now - (this.saidAt ?? 0) >= (isFirst ? FIRST_AGAIN : LATER_AGAIN);
    if (isDue && (this.open || (isFirst && this.answered))) this.sendAgain();
    if (!this.isThere()) return;
    const action = this.recovery.next(now);
    if (action) await this.recover(action);
  }

  isThere() {
    return this.person()?.state === 'here';
  }

  async recover(action) {
    if (action === 'phone') this.dispatchEvent(new Event('trouble'));
    if (!this.offers) {
      this.say({ type: 'ice', restart: true });
    } else if (action === 'restart') {
      this.pc.setConfiguration(this.config());
      await this.offer(true);
    } else {
      this.relayOnly = action === 'relay' || (this.relayOnly && action === 'phone');
      await this.begin();
    }
  }
}
