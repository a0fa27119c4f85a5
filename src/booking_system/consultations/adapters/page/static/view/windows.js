/** The windows in front: leaving, devices, inviting somebody. */

import { DeviceChoice } from './check.js';
import { html, useEffect, useState } from './html.js';
import { Dialog, Telephone } from './parts.js';
import { t } from './words.js';

export function LeaveWindow({ call, onClose, onLeave }) {
  const isDoctor = call.room.you?.role === 'doctor';
  const end = () => {
    call.room.endForAll();
    onClose();
  };
  return html`<${Dialog} title=${t('leave_title')} onClose=${onClose}>
    <p>${t('leave_text')}${isDoctor && ` ${t('end_text')}`}</p>
    <div class="row">
      <button type="button" onClick=${onClose}>${t('stay')}</button>
      <button type="button" class="main" onClick=${onLeave}>${t('leave_yes')}</button>
      ${isDoctor && html`<button type="button" class="danger" onClick=${end}>${t('end_for_all')}</button>`}
    </div>
  </${Dialog}>`;
}

export function SettingsWindow({ call, facts, role, hasKeys, setKeys, onClose }) {
  return html`<${Dialog} title=${t('settings_title')} onClose=${onClose}>
    <${DeviceChoice} devices=${call.devices} />
    <label class="switch"><input type="checkbox" role="switch" checked=${hasKeys}
      onChange=${(event) => setKeys(event.target.checked)} /><span>${t('keys')}</span></label>
    <${Telephone} facts=${facts} role=${role} />
    <div class="row"><button type="button" class="main" onClick=${onClose}>${t('close')}</button></div>
  </${Dialog}>`;
}

/** One further party: the link is shown once, and its secret is behind the `#`. */
export function InviteWindow({ entry, onClose }) {
  const [guests, setGuests] = useState([]);
  const [link, setLink] = useState('');
  const [isCopied, setCopied] = useState(false);
  const [wrong, setWrong] = useState('');
  const path = `${entry.room}/guests`;

  const list = async () => {
    const { items } = await entry.signed(path).catch(() => ({ items: [] }));
    const now = Date.now();
    const mayCome = (one) => one.used_at || Date.parse(one.expires_at) > now;
    setGuests(items.filter((one) => !one.removed_at && mayCome(one)));
  };
  useEffect(() => void list(), []);

  async function make(event) {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() };
    setWrong('');
    setCopied(false);
    try {
      const made = await entry.signed(path, { method: 'POST', headers, body: JSON.stringify(fields) });
      setLink(`${location.origin}/consultation#${made.link_token}`);
    } catch {
      setWrong(t('invite_failed'));
    }
    await list();
  }

  async function remove({ id }) {
    await entry.signed(`${path}/${id}`, { method: 'DELETE' }).catch(() => setWrong(t('invite_failed')));
    setLink('');
    await list();
  }

  const copy = () => navigator.clipboard?.writeText(link).then(() => setCopied(true), () => {});
  return html`<${Dialog} title=${t('invite_title')} onClose=${onClose}>
    <p>${t('invite_why')}</p>
    ${wrong && html`<p class="problem" role="alert">${wrong}</p>`}
    <ul class="guests">${guests.map((one) => html`<li key=${one.id}><span>${one.name}</span>
      <button type="button" onClick=${() => remove(one)}>${t('remove_guest', { name: one.name })}</button></li>`)}</ul>
    ${link && html`<label>${t('invite_link')}<input readonly value=${link} onFocus=${(event) => event.target.select()} /></label>
      <button type="button" class="main" onClick=${copy}>${t(isCopied ? 'copied' : 'copy')}</button>`}
    ${!link && html`<form onSubmit=${make}>
      <label>${t('invite_name')}<input name="name" required maxlength="80" autocomplete="off" /></label>
      <label>${t('invite_kind')}<select name="kind">
        ${['interpreter', 'relative', 'other'].map((kind) => html`<option key=${kind} value=${kind}>${t(`kind_${kind}`)}</option>`)}
      </select></label>
      <button class="main">${t('invite_make')}</button>
    </form>`}
    <div class="row"><button type="button" onClick=${onClose}>${t('close')}</button></div>
  </${Dialog}>`;
}
