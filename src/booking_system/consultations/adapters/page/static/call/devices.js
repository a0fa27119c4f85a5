/**
 * Microphone, camera and screen of this page.
 *
 * Each is captured once at a time. A microphone that is muted goes on, disabled; a camera that is off
 * is let go, so that its lamp goes out.
 *
 * Events: `track` (detail: `mic`, `camera` or `screen`: another track is sent from now on), `change`.
 */

import { interruptions } from './interruptions.js';

const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const PICTURE = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24, max: 30 } };
const KIND_OF = { mic: 'audioinput', camera: 'videoinput' };

/** Names of what went wrong, each with a way on: see `Devices.problems`. */
export const PROBLEMS = ['blocked', 'dismissed', 'missing', 'in_use', 'unsuitable', 'unsupported', 'failed'];

export class Devices extends EventTarget {
  /** @param {MediaDevices} [from] the browser's, of which a test may take the place */
  constructor(from = navigator.mediaDevices) {
    super();
    this.from = from;
    /** @type {Record<'mic' | 'camera' | 'screen', MediaStreamTrack | null>} */
    this.tracks = { mic: null, camera: null, screen: null };
    /** What is wanted, whether or not there is a device that gives it. */
    this.wanted = { mic: true, camera: true, screen: false };
    /** By line: one of `PROBLEMS`, or null. */
    this.problems = { mic: null, camera: null, screen: null };
    this.chosen = { mic: '', camera: '' };
    this.isInterrupted = { mic: false, camera: false };
    /** The line is too weak for a picture. */
    this.isPaused = false;
    /** @type {MediaDeviceInfo[]} */
    this.list = [];
    this.opening = { mic: Promise.resolve(), camera: Promise.resolve() };
    this.stopListening = interruptions(this);
  }

  /** What others are told: by line `on`, `off` or `interrupted`. */
  get media() {
    const of = (line) => {
      if (!this.wanted[line] || !this.tracks[line]) return 'off';
      const isAway = this.isInterrupted[line] || (line === 'camera' && this.isPaused);
      return isAway ? 'interrupted' : 'on';
    };
    return { mic: of('mic'), camera: of('camera'), screen: of('screen') };
  }

  /** What goes out on a line now. */
  track(line) {
    if (line === 'camera' && this.isPaused) return null;
    return this.tracks[line];
  }

  /** Open what is wanted; what cannot be opened has a problem, and the other goes on. */
  async open() {
    if (!this.from?.getUserMedia) {
      this.problems.mic = this.problems.camera = 'unsupported';
      this.changed();
      return;
    }
    const missing = ['mic', 'camera'].filter((line) => this.wanted[line] && !this.tracks[line]);
    // Both at once, so that the browser asks once.
    if (missing.length === 2 && (await this.openBoth())) return;
    for (const line of missing) if (!this.tracks[line]) await this.renew(line);
  }

  async openBoth() {
    try {
      const stream = await this.from.getUserMedia({
        audio: this.constraints('mic'),
        video: this.constraints('camera'),
      });
      this.take('mic', stream.getAudioTracks()[0]);
      this.take('camera', stream.getVideoTracks()[0]);
      await this.relist();
      return true;
    } catch {
      return false;
    }
  }

  constraints(line) {
    const usual = line === 'mic' ? SOUND : PICTURE;
    return this.chosen[line] ? { ...usual, deviceId: { exact: this.chosen[line] } } : usual;
  }

  /** Capture a line anew; one after the other, never two of a kind at once. */
  renew(line) {
    this.opening[line] = this.opening[line].then(() => this.capture(line));
    return this.opening[line];
  }

  async capture(line) {
    const name = line === 'mic' ? 'audio' : 'video';
    const before = this.tracks[line];
    before?.stop();
    let stream;
    try {
      stream = await this.from.getUserMedia({ [name]: this.constraints(line) });
    } catch (error) {
      stream = await this.secondTry(name, line, error);
    }
    this.take(line, stream ? stream.getTracks()[0] : null);
    if (stream) await this.relist();
  }

  /** A device that was chosen and has gone, or that cannot do what is ideal: any will do. */
  async secondTry(name, line, error) {
    if (error.name === 'OverconstrainedError' || this.chosen[line]) {
      this.chosen[line] = '';
      try {
        return await this.from.getUserMedia({ [name]: true });
      } catch (other) {
        error = other;
      }
    }
    this.problems[line] = await problemOf(error, line);
    return null;
  }

  take(line, track) {
    this.tracks[line] = track || null;
    this.isInterrupted[line] = false;
    if (track) {
      this.problems[line] = null;
      if (line === 'mic') track.enabled = this.wanted.mic;
      this.listen(line, track);
      if (line !== 'screen' && !this.wanted[line] && line === 'camera') return this.drop(line);
    }
    this.replaced(line);
  }

  listen(line, track) {
    track.onended = () => this.ended(line, track);
    track.onmute = () => this.interrupted(line, track, true);
    track.onunmute = () => this.interrupted(line, track, false);
  }

  ended(line, track) {
    if (this.tracks[line] !== track) return;
    if (line === 'screen') this.setScreen(false);
    else if (this.wanted[line]) this.renew(line);
  }

  interrupted(line, track, isOn) {
    if (this.tracks[line] !== track || line === 'screen') return;
    const was = this.isInterrupted[line];
    this.isInterrupted[line] = isOn;
    this.changed();
    // After a telephone call tracks say that they are live, and are silent.
    if (was && !isOn) this.renew(line);
  }

  /** @param {boolean} isOn false: muted, at once and for certain */
  async setMic(isOn) {
    this.wanted.mic = isOn;
    if (this.tracks.mic) this.tracks.mic.enabled = isOn;
    else if (isOn) await this.renew('mic');
    this.changed();
  }

  async setCamera(isOn) {
    this.wanted.camera = isOn;
    if (!isOn) this.drop('camera');
    else if (!this.tracks.camera) await this.renew('camera');
    this.changed();
  }

  /** Share the screen, or stop; a browser that cannot, or a person who does not want to: no change. */
  async setScreen(isOn) {
    this.problems.screen = null;
    this.wanted.screen = isOn;
    if (!isOn) {
      this.drop('screen');
      return;
    }
    try {
      const stream = await this.from.getDisplayMedia({ video: true, audio: false });
      this.take('screen', stream.getVideoTracks()[0]);
    } catch (error) {
      this.wanted.screen = false;
      this.problems.screen = await problemOf(error, 'screen');
      this.changed();
    }
  }

  /** @param {'mic' | 'camera'} line @param {string} deviceId */
  async choose(line, deviceId) {
    this.chosen[line] = deviceId;
    if (this.wanted[line] || line === 'mic') await this.renew(line);
  }

  /** Devices of a line, to choose from. */
  choices(line) {
    return this.list.filter((one) => one.kind === KIND_OF[line] && one.deviceId);
  }

  async relist() {
    this.list = (await this.from.enumerateDevices?.()) || [];
    this.changed();
  }

  pause(isPaused) {
    if (this.isPaused === isPaused) return;
    this.isPaused = isPaused;
    this.replaced('camera');
  }

  drop(line) {
    const track = this.tracks[line];
    this.tracks[line] = null;
    if (track) {
      track.onended = track.onmute = track.onunmute = null;
      track.stop();
    }
    this.replaced(line);
  }

  /** Let go of everything. */
  close() {
    this.stopListening();
    for (const line of Object.keys(this.tracks)) this.drop(line);
  }

  replaced(line) {
    this.dispatchEvent(new CustomEvent('track', { detail: line }));
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event('change'));
  }
}

async function problemOf(error, line) {
  const names = {
    NotFoundError: 'missing',
    NotReadableError: 'in_use',
    AbortError: 'in_use',
    OverconstrainedError: 'unsuitable',
    SecurityError: 'blocked',
  };
  if (error.name !== 'NotAllowedError') return names[error.name] || 'failed';
  const name = line === 'mic' ? 'microphone' : 'camera';
  const asked = await navigator.permissions?.query({ name }).catch(() => null);
  return asked?.state === 'prompt' ? 'dismissed' : 'blocked';
}
