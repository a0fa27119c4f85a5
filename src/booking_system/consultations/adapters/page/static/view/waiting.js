/** The waiting room, from both sides. */

import { html } from './html.js';
import { DeviceChoice } from './check.js';
import { Button, Heading, Mirror, useChanges } from './parts.js';
import { clock, t } from './words.js';

/** What somebody who waits is told of the doctor. */
export function aboutDoctor(room, facts) {
  const name = facts.name('doctor', room.people);
  const doctor = room.people.get('doctor');
  if (doctor?.state === 'here') return t('doctor_here', { name });
  if (room.lateMinutes) return t('doctor_late', { name, n: room.lateMinutes });
  if (room.isDoctorElsewhere) return t('doctor_elsewhere', { name });
  if (doctor?.state === 'away') return t('doctor_away', { name });
  return t('doctor_not_here', { name });
}

export function WaitingRoom({ call, facts }) {
  const { room, devices } = call;
  useChanges(devices, 'change');
  const isGuest = room.you?.role === 'guest';
  return html`<div class="waiting">
    <${Heading}>${t('waiting_title')}</${Heading}>
    <p class="doctor-state" role="status">${aboutDoctor(room, facts)}</p>
    <p>${t(isGuest ? 'guest_waits' : 'leave_page_open')}</p>
    <div class="mirror"><${Mirror} track=${devices.tracks.camera} label=${t('mirror')} /></div>
    <${DeviceChoice} devices=${devices} />
    <p class="hint">${t('not_recorded')}</p>
  </div>`;
}

function ready({ mic, camera }) {
  if (mic !== 'off' && camera !== 'off') return t('devices_ready');
  return t(mic === 'off' ? 'devices_none' : 'devices_mic');
}

/** Who waits, for the doctor: admit by one press, say that one is late by one tap. */
export function Queue({ call, facts, onInvite }) {
  const { room } = call;
  const waiting = [...room.people.values()].filter((one) => one.state === 'waiting');
  const isPatientIn = room.people.get('patient')?.state === 'here';
  const invite = html`<${Button} icon="invite" words=${t('invite')} onPress=${onInvite} kind="small" />`;
  if (isPatientIn && waiting.length === 0) {
    return html`<section class="queue is-short" aria-label=${t('waits_title')}>${invite}
      <button type="button" onClick=${() => room.hold('patient')}>${t('hold')}</button></section>`;
  }
  return html`<section class="queue" aria-labelledby="queue-title">
    <h2 id="queue-title">${t('waits_title')}</h2>
    ${waiting.length === 0 && html`<p>${t('nobody_waits')}</p>`}
    <ul>${waiting.map((one) => {
      const name = facts.name(one.who, room.people);
      return html`<li key=${one.who}>
        <span>${t('waits_since', { name, time: clock(new Date(one.since)) })} · ${ready(one.media)}</span>
        <button type="button" class="main" aria-keyshortcuts="A" onClick=${() => room.admit(one.who)}>
          ${t('admit', { name })} <small>${t('admit_key')}</small></button>
      </li>`;
    })}</ul>
    <div class="late">
      ${room.lateMinutes > 0
        ? html`<span>${t('late_told', { n: room.lateMinutes })}</span>
            <button type="button" onClick=${() => room.late(0)}>${t('late_off')}</button>`
        : html`<button type="button" onClick=${() => room.late(10)}>${t('late_10')}</button>`}
      ${room.lateMinutes < 20 && html`<button type="button" onClick=${() => room.late(20)}>${t('late_20')}</button>`}
      ${invite}
    </div>
  </section>`;
}
