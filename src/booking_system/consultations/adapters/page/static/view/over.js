/** The screens at which it ends, for now or for good; what was written stays readable. */

import { asked } from '../call/entry.js';
import { Chat } from './chat.js';
import { html, useEffect } from './html.js';
import { Heading, PhoneNumber } from './parts.js';
import { dayAndTime, t } from './words.js';

const KNOWN = new Set([
  'left', 'ended', 'expired', 'cancelled', 'no_show', 'moved', 'scheduled', 'replaced', 'forbidden',
  'guest', 'signed_out', 'no_link',
]);
const BACK = new Set(['left', 'replaced']);
const LONGEST_TIMER = 2 ** 31 - 1;

export function Over({ call, facts, entry, session, end, onBack }) {
  const isGuest = !entry?.signed;
  const known = KNOWN.has(end.reason) ? end.reason : 'forbidden';
  const reason = known === 'forbidden' && isGuest ? 'guest' : known;
  const time = end.opensAt ? dayAndTime(end.opensAt, facts.timeZone) : '';
  useEffect(() => {
    if (!end.opensAt) return undefined;
    const wait = end.opensAt - Date.now() + 500;
    if (wait > LONGEST_TIMER) return undefined;
    const timer = setTimeout(onBack, Math.max(1000, wait));
    return () => clearTimeout(timer);
  }, [end]);

  /** The server's text: names, times by the clinic's clock, who was let in. */
  async function save() {
    const token = await session.token(false);
    const headers = { 'Accept-Language': document.documentElement.lang };
    const text = await asked(`${entry.room}/transcript`, { token, headers, asText: true });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    link.download = 'consultation.txt';
    link.click();
    URL.revokeObjectURL(link.href);
  }

  const hasChat = call && call.room.chat.length > 0;
  const isCallable = !['left', 'replaced', 'scheduled', 'signed_out'].includes(reason) && facts.phone;
  return html`<main class="plain over">
    <${Heading}>${t(`over_${reason}`)}</${Heading}>
    <p>${t(`over_${reason}_text`, { time })}</p>
    ${isCallable && html`<p><${PhoneNumber} phone=${facts.phone} /></p>`}
    <div class="row">
      ${BACK.has(reason) && html`<button type="button" class="main" onClick=${onBack}>${t(reason === 'replaced' ? 'use_here' : 'come_back')}</button>`}
      ${hasChat && !isGuest && html`<button type="button" onClick=${save}>${t('transcript')}</button>`}
      ${session.isOwn && html`<button type="button" onClick=${() => session.signOut().then(() => location.reload())}>${t('sign_out')}</button>`}
    </div>
    ${hasChat && html`<${Chat} call=${call} facts=${facts} entry=${entry} isOver />`}
  </main>`;
}
