/** The device test: picture, level, which device; what is wrong, and the way on. */

import { levelOf } from '../call/consultation.js';
import { Heading, Mirror, useChanges } from './parts.js';
import { html, useEffect, useState } from './html.js';
import { dayAndTime, t } from './words.js';

/** The bar that moves with the voice. */
export function Level({ track }) {
  const [level, set] = useState(0);
  useEffect(() => {
    if (!track) return undefined;
    return levelOf(track, set);
  }, [track]);
  return html`<meter min="0" max="1" value=${level.toFixed(2)} aria-label=${t('level')}></meter>`;
}

/** Camera and microphone, with what is wrong about them. */
export function DeviceChoice({ devices }) {
  useChanges(devices, 'change');
  return html`<div class="devices">
    ${['camera', 'mic'].map((line) => html`<${Line} key=${line} devices=${devices} line=${line} />`)}
  </div>`;
}

function Line({ devices, line }) {
  const problem = devices.problems[line];
  const isMic = line === 'mic';
  const choices = devices.choices(line);
  const used = devices.tracks[line]?.getSettings().deviceId || devices.chosen[line];
  const setOn = (event) => devices[isMic ? 'setMic' : 'setCamera'](event.target.checked);
  return html`<fieldset>
    <legend>${t(isMic ? 'microphone' : 'camera')}</legend>
    <label class="switch"><input type="checkbox" role="switch" checked=${devices.wanted[line]} onChange=${setOn} />
      <span>${t(isMic ? 'use_microphone' : 'use_camera')}</span></label>
    ${choices.length > 0 && html`<label class="choice"><span class="unseen">${t(isMic ? 'choose_microphone' : 'choose_camera')}</span>
      <select onChange=${(event) => devices.choose(line, event.target.value)}>
        ${choices.map((one) => html`<option key=${one.deviceId} value=${one.deviceId} selected=${one.deviceId === used}>${one.label}</option>`)}
      </select></label>`}
    ${isMic && html`<${Level} track=${devices.tracks.mic} /><p class="hint">${t('say_something')}</p>`}
    ${problem && html`<p class="problem" role="alert">${t(`${line}_${problem}`)}
      <button type="button" onClick=${() => devices.renew(line)}>${t('try_again')}</button></p>`}
  </fieldset>`;
}

export function Check({ call, facts, role, onJoin }) {
  const { devices } = call;
  useChanges(devices, 'change');
  const [isAsking, setAsking] = useState(true);
  useEffect(() => {
    devices.open().finally(() => setAsking(false));
  }, []);
  const other = role === 'doctor' ? 'patient' : 'doctor';
  return html`<main class="check">
    <${Heading}>${facts.startsAt ? t('title_with', { name: facts.name(other) }) : t('title')}</${Heading}>
    ${facts.startsAt && html`<p class="when">${dayAndTime(facts.startsAt, facts.timeZone)} · ${facts.clinic}</p>`}
    <h2>${t('check_title')}</h2>
    ${isAsking && html`<p role="status">${t('ask_devices')}</p>`}
    <div class="mirror"><${Mirror} track=${devices.tracks.camera} label=${t('mirror')} /></div>
    <${DeviceChoice} devices=${devices} />
    <p class="hint">${t('not_recorded')}</p>
    <button type="button" class="main" onClick=${onJoin}>${t(role === 'doctor' ? 'come_in' : 'come_in_waiting')}</button>
  </main>`;
}
