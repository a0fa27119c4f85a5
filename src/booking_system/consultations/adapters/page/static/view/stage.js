/** The call: who is seen, one's own picture, and what can be done. */

import { html, useState } from './html.js';
import { Heading, Mirror, Picture, Telephone, useChanges } from './parts.js';
import { t } from './words.js';

function Person({ call, facts, person, onBlocked }) {
  const { room } = call;
  const name = facts.name(person.who, room.people);
  const link = call.links.get(person.who);
  const isConnected = link?.state === 'connected';
  const { camera, mic, screen } = person.media;
  const streams = call.streams(person.who);
  const words = () => {
    if (person.state === 'away') return t('person_away', { name });
    if (!isConnected) return t('connecting_to', { name });
    if (camera === 'on') return '';
    return t(camera === 'off' ? 'no_picture' : 'picture_interrupted', { name });
  };
  const said = words();
  const isShown = Boolean(streams) && isConnected && camera === 'on';
  return html`<figure class="person">
    ${streams && html`<${Picture} stream=${streams.camera} label=${name} isHidden=${!isShown} onBlocked=${onBlocked} />`}
    ${said && html`<p class="no-picture">${said}</p>`}
    <figcaption>${name}${mic !== 'on' && ` · ${t('muted')}`}</figcaption>
    ${streams && screen === 'on' && html`<div class="screen"><${Picture} stream=${streams.screen} label=${t('screen_of', { name })} isMuted /></div>`}
  </figure>`;
}

/** How well it carries, in words. */
export function Quality({ call }) {
  const level = call.quality;
  return html`<p class="quality is-${level}"><span aria-hidden="true" class="dot"></span>
    <span>${t('quality')}: ${t(`quality_${level}`)}</span></p>`;
}

/** What is wrong, and the way on; said at once. */
export function Notices({ call, facts, role }) {
  const isWaiting = call.room.socket.state !== 'joined';
  return html`<div class="notices" role="status">
    ${isWaiting && html`<p class="notice">${t(call.room.wasHere ? 'reconnecting' : 'connecting')}
      <button type="button" onClick=${() => call.room.socket.retry()}>${t('retry_now')}</button></p>`}
    ${call.hasTrouble && html`<p class="notice is-bad">${t('trouble')} </p>`}
    ${call.hasTrouble && html`<${Telephone} facts=${facts} role=${role} />`}
    ${call.isSoundOnly && html`<p class="notice">${t('sound_only_now')}
      <button type="button" onClick=${() => call.sendPicture()}>${t('send_picture')}</button></p>`}
  </div>`;
}

export function Stage({ call, facts }) {
  const { room, devices } = call;
  const [blocked, setBlocked] = useState(null);
  useChanges(devices, 'change');
  const others = [...room.people.values()].filter(({ state, who }) => state === 'here' || call.links.has(who));
  const role = room.you?.role;
  const other = role === 'doctor' ? 'patient' : 'doctor';
  const hear = () => {
    for (const video of document.querySelectorAll('.person video')) video.play().catch(() => {});
    setBlocked(null);
  };
  return html`<div class="stage">
    <${Heading} class="unseen">${t('title_with', { name: facts.name(other, room.people) })}</${Heading}>
    ${blocked && html`<button type="button" class="main hear" onClick=${hear}>${t('tap_to_hear')}</button>`}
    <div class="people count-${others.length}" role="group" aria-label=${t('people')}>
      ${others.map((person) => html`<${Person} key=${person.who} call=${call} facts=${facts} person=${person} onBlocked=${setBlocked} />`)}
      ${others.length === 0 && html`<p class="alone">${role === 'doctor' ? t('alone_doctor') : t('connecting_to', { name: facts.name(other, room.people) })}</p>`}
    </div>
    <div class="own"><${Mirror} track=${devices.isPaused ? null : devices.tracks.camera} label=${t('own_picture')} /></div>
  </div>`;
}
