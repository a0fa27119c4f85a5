/** Small things that several screens have. */

import { html, useEffect, useRef, useState } from './html.js';
import { t } from './words.js';

const PATHS = {
  mic: 'M12 15a3 3 0 0 0 3-3V6a3 3 0 0 0-6 0v6a3 3 0 0 0 3 3zm6-3a6 6 0 0 1-12 0M12 18v3',
  mic_off: 'M4 4l16 16M9 9v3a3 3 0 0 0 4.6 2.5M15 11V6a3 3 0 0 0-5.8-1M18 12a6 6 0 0 1-.6 2.6M6 12a6 6 0 0 0 9 5.2M12 18v3',
  camera: 'M4 7h10a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2zm12 4l6-3v8l-6-3',
  camera_off: 'M3 3l18 18M16 11l6-3v8l-4-2M8 7h6a2 2 0 0 1 2 2v5M15.500 17H4a2 2 0 0 1-2-2V9c0-1 .6-1.700 1.500-1.900',
  screen: 'M3 5h18v11H3zM8 20h8M12 16v4M12 13V8M9.500 10.500L12 8l2.500 2.500',
  attach: 'M8 12l6-6a3 3 0 0 1 4.500 4.500l-8 8a5 5 0 0 1-7-7l8-8',
  chat: 'M4 5h16v11H9l-5 4z',
  settings: 'M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4',
  leave: 'M3 14c5-5 13-5 18 0l-2 3-4-1v-3a10 10 0 0 0-6 0v3l-4 1z',
  invite: 'M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21c0-4 3-7 7-7 2 0 3.500.6 4.800 1.700M18 14v6M15 17h6',
};

export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}

/** A heading that is gone to when its screen comes. */
export function Heading({ children, ...more }) {
  const here = useRef(null);
  useEffect(() => here.current.focus(), []);
  return html`<h1 ref=${here} tabindex="-1" ...${more}>${children}</h1>`;
}

/** Picture and sound of a stream; `onBlocked`: the browser wants a tap before it plays sound. */
export function Picture({ stream, label, isMuted = false, isMirrored = false, isHidden = false, onBlocked }) {
  const here = useRef(null);
  useEffect(() => {
    const video = here.current;
    if (video.srcObject !== stream) video.srcObject = stream;
    video.play().catch((error) => error.name === 'NotAllowedError' && onBlocked?.(video));
  }, [stream]);
  return html`<video ref=${here} class=${isMirrored ? 'mirrored' : ''} hidden=${isHidden} aria-label=${label}
    autoplay playsinline muted=${isMuted} />`;
}

/** This page's own camera, which only this page shows. */
export function Mirror({ track, label }) {
  const [stream, show] = useState(null);
  useEffect(() => show(track ? new MediaStream([track]) : null), [track]);
  if (!stream || !track) return html`<p class="no-picture">${t('camera_is_off')}</p>`;
  return html`<${Picture} stream=${stream} label=${label} isMuted isMirrored />`;
}

/** A button that is on or off, and says so: its name stays, its state changes. */
export function Toggle({ isOn, icon, words, onPress, keys, kind = '' }) {
  return html`<button type="button" class="control ${kind} ${isOn ? '' : 'is-off'}" aria-pressed=${String(isOn)}
    aria-keyshortcuts=${keys} onClick=${onPress}><${Icon} name=${icon} />
    <span>${words} <span aria-hidden="true">${t(isOn ? 'on' : 'off')}</span></span></button>`;
}

export function Button({ icon, words, onPress, kind = '', ...more }) {
  return html`<button type="button" class="control ${kind}" onClick=${onPress} ...${more}>
    <${Icon} name=${icon} /><span>${words}</span></button>`;
}

/** A window in front of all others, which Esc closes. */
export function Dialog({ title, onClose, children }) {
  const here = useRef(null);
  useEffect(() => {
    here.current.showModal();
    return () => here.current?.close();
  }, []);
  return html`<dialog ref=${here} aria-labelledby="dialog-title" onClose=${onClose}>
    <h2 id="dialog-title">${title}</h2>${children}</dialog>`;
}

/** Draw again whenever something has changed. */
export function useChanges(target, ...names) {
  const [, again] = useState(0);
  useEffect(() => {
    const changed = () => again((count) => count + 1);
    for (const name of names) target.addEventListener(name, changed);
    return () => names.forEach((name) => target.removeEventListener(name, changed));
  }, [target]);
}

/** How to go on by telephone; a guest is told nothing, because a guest has no number to call. */
export function Telephone({ facts, role }) {
  if (role === 'doctor') return html`<p class="telephone">${t('call_by_phone_doctor')}</p>`;
  if (!facts.phone) return null;
  return html`<p class="telephone">${t('call_by_phone')} <${PhoneNumber} phone=${facts.phone} /></p>`;
}

export function PhoneNumber({ phone }) {
  return html`<a href=${`tel:${phone.replace(/[^+\d]/g, '')}`}>${phone}</a>`;
}
