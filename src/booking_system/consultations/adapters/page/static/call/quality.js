/**
 * How well a connection carries, by what arrives; and what is sent less of where it does not.
 *
 * Sound comes first: a weak line gets a smaller picture, a very weak one none.
 */

const VERY_WEAK_FOR = 10_000;
const GOOD_FOR = 20_000;
const MOST_BITS = 1_200_000;
const FEW_BITS = 250_000;

/** @returns {'good' | 'weak' | 'very_weak'} of a share of lost packets, and seconds there and back */
export function levelOf(loss, seconds) {
  if (loss > 0.15 || seconds > 1.2) return 'very_weak';
  return loss > 0.04 || seconds > 0.5 ? 'weak' : 'good';
}

/** Decides when the picture goes and comes back. Pure: instants in milliseconds. */
export class SoundFirst {
  constructor() {
    this.level = 'good';
    this.since = 0;
    this.isSoundOnly = false;
  }

  /** @param {'good' | 'weak' | 'very_weak'} level */
  note(level, now) {
    if (level !== this.level) [this.level, this.since] = [level, now];
    const lasted = now - this.since;
    if (level === 'very_weak' && lasted >= VERY_WEAK_FOR) this.isSoundOnly = true;
    if (level === 'good' && lasted >= GOOD_FOR) this.isSoundOnly = false;
    return this.isSoundOnly;
  }

  /** Somebody wants to see again: what was counted so far does not count. */
  reset(now) {
    this.isSoundOnly = false;
    this.since = now;
  }
}

/** Looks at the statistics of one link. */
export class Looks {
  constructor(link) {
    this.link = link;
    this.sound = new SoundFirst();
    this.forget();
  }

  get level() {
    return this.sound.level;
  }

  get isSoundOnly() {
    return this.sound.isSoundOnly;
  }

  forget() {
    this.before = { in: 0, lost: 0, sent: 0 };
    this.sums = { frames: 0, sound: 0, sent: 0, sentSound: 0 };
    this.limitedTo = '';
    this.soundAt = 0;
  }

  async look(now) {
    const { link } = this;
    const report = await link.pc.getStats();
    const sums = { frames: 0, sound: 0, sent: 0, sentSound: 0 };
    let received = 0, lost = 0, theirLoss = 0, seconds = 0;
    report.forEach((one) => {
      if (one.type === 'inbound-rtp') {
        received += one.packetsReceived || 0;
        lost += Math.max(0, one.packetsLost || 0);
        if (one.kind === 'video') sums.frames += one.framesDecoded || 0;
        else sums.sound += one.packetsReceived || 0;
      } else if (one.type === 'outbound-rtp') {
        sums.sent += one.packetsSent || 0;
        if (one.kind === 'audio') sums.sentSound += one.packetsSent || 0;
      } else if (one.type === 'remote-inbound-rtp') {
        theirLoss = Math.max(theirLoss, one.fractionLost || 0);
        seconds = Math.max(seconds, one.roundTripTime || 0);
      }
    });
    const came = received - this.before.in;
    const missed = Math.max(0, lost - this.before.lost);
    this.before = { in: received, lost };
    this.judge(sums, now);
    this.sums = sums;
    if (link.state !== 'connected') return;
    const ourLoss = came + missed > 20 ? missed / (came + missed) : 0;
    this.sound.note(levelOf(Math.max(ourLoss, theirLoss), seconds), now);
    link.dispatchEvent(new Event('quality'));
    this.limit();
  }

  /** What should arrive and does not is noticed; a camera that is off owes nothing. */
  judge(sums, now) {
    const { media } = this.link.person() || {};
    const frames = media?.camera === 'on' || media?.screen === 'on';
    const sound = media?.mic === 'on';
    const hasCome =
      (frames && sums.frames > this.sums.frames) || (sound && sums.sound > this.sums.sound);
    const isOwed = frames ? sums.frames === this.sums.frames : sound && !hasCome;
    if (this.link.state === 'connected' && !isOwed) this.link.recovery.moved(now);
    // A microphone that claims to be live and says nothing has to be opened anew.
    const isSilent = sums.sentSound === this.sums.sentSound && this.link.track('mic')?.enabled;
    if (!isSilent || this.link.state !== 'connected') this.soundAt = now;
    if (this.soundAt && now - this.soundAt >= 5000) {
      this.soundAt = now;
      this.link.dispatchEvent(new Event('silent'));
    }
  }

  /** Send a smaller picture over a weak line. */
  async limit() {
    const { link, sound } = this;
    if (this.limitedTo === sound.level || !link.pc) return;
    this.limitedTo = sound.level;
    const sender = link.sender('camera');
    const parameters = sender?.getParameters();
    if (!parameters?.encodings?.length) return;
    const isGood = sound.level === 'good';
    parameters.degradationPreference = 'maintain-framerate';
    parameters.encodings[0].maxBitrate = isGood ? MOST_BITS : FEW_BITS;
    parameters.encodings[0].scaleResolutionDownBy = isGood ? 1 : 2;
    await sender.setParameters(parameters).catch(() => {});
  }
}
