/** What happens to devices from outside: they are pulled out, and pages come back from behind. */

/**
 * @param {import('./devices.js').Devices} devices
 * @returns {() => void} stops it
 */
export function interruptions(devices) {
  const lines = /** @type {const} */ (['mic', 'camera']);

  async function pluggedInOrOut() {
    await devices.relist();
    for (const line of lines) {
      const used = devices.tracks[line]?.getSettings().deviceId;
      const isGone = used && !devices.choices(line).some((one) => one.deviceId === used);
      // One that was missing may be there now.
      const isBack = devices.problems[line] === 'missing' && devices.choices(line).length > 0;
      if (devices.wanted[line] && (isGone || isBack)) await devices.renew(line);
    }
  }

  function seen() {
    if (document.visibilityState === 'hidden') return;
    for (const line of lines) {
      const track = devices.tracks[line];
      if (track && devices.wanted[line] && (track.readyState === 'ended' || track.muted)) {
        devices.renew(line);
      }
    }
  }

  devices.from?.addEventListener?.('devicechange', pluggedInOrOut);
  document.addEventListener('visibilitychange', seen);
  return () => {
    devices.from?.removeEventListener?.('devicechange', pluggedInOrOut);
    document.removeEventListener('visibilitychange', seen);
  };
}

/**
 * How loud a microphone is.
 *
 * @param {MediaStreamTrack} track
 * @param {(level: number) => void} told from 0 to 1, some ten times a second
 * @returns {() => void} stops it
 */
export function levelOf(track, told) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Uint8Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getByteTimeDomainData(samples);
    const loudest = samples.reduce((most, one) => Math.max(most, Math.abs(one - 128)), 0);
    told(Math.min(1, loudest / 64));
  }, 100);
  return () => {
    clearInterval(timer);
    context.close();
  };
}
