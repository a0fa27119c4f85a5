/** The room: waiting or in the call, with controls, chat, and keys. */

import { Chat, ChatButton } from './chat.js';
import { html, useEffect, useRef, useState } from './html.js';
import { Button, Toggle, useChanges } from './parts.js';
import { Notices, Quality, Stage } from './stage.js';
import { Queue, WaitingRoom } from './waiting.js';
import { InviteWindow, LeaveWindow, SettingsWindow } from './windows.js';
import { clock, t } from './words.js';

const WIDE = '(min-width: 900px)';
const SOON = 5 * 60 * 1000;

/** One region says what cannot be seen: who came, who went, what was lost and is back. */
function useSaid(call, facts) {
  const [said, say] = useState('');
  useEffect(() => {
    const { room } = call;
    const before = { people: new Map(), isAdmitted: room.isAdmitted, connection: '' };
    const note = ({ detail }) => {
      if (detail === 'people') {
        for (const [seat, { state }] of room.people) {
          const was = before.people.get(seat);
          const name = facts.name(seat, room.people);
          if (state === was) continue;
          if (state === 'here') say(t('said_joined', { name }));
          else if (state === 'waiting' && room.you.role === 'doctor') say(t('said_waits', { name }));
          else if (state === 'left') say(t('said_left', { name }));
        }
        before.people = new Map([...room.people].map(([seat, one]) => [seat, one.state]));
        if (room.isAdmitted !== before.isAdmitted) say(t(room.isAdmitted ? 'said_admitted' : 'said_held'));
        before.isAdmitted = room.isAdmitted;
      } else if (detail === 'connection') {
        const { state } = room.socket;
        if (state === 'joined' && before.connection === 'waiting') say(t('said_reconnected'));
        if (state !== 'connecting') before.connection = state;
      }
    };
    call.addEventListener('change', note);
    return () => call.removeEventListener('change', note);
  }, [call]);
  return [said, say];
}

/** Single keys, unless somebody writes or has switched them off. */
function useKeys(hasKeys, actions) {
  useEffect(() => {
    const pressed = (event) => {
      const isWriting = event.target.closest?.('input, textarea, select, dialog');
      if (!hasKeys || isWriting || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      const action = actions[event.key.toLowerCase()];
      if (action) {
        event.preventDefault();
        action();
      }
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  });
}

function Closing({ room, role }) {
  const left = room.closesAt ? room.closesAt - room.now() : Infinity;
  const [, again] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => again((count) => count + 1), 15_000);
    return () => clearInterval(timer);
  }, []);
  if (left > SOON) return null;
  return html`<p class="notice" role="status">${t('closing_soon', { time: clock(room.closesAt) })}
    ${role === 'doctor' && !room.isExtended && html`<button type="button" onClick=${() => room.extend()}>${t('extend')}</button>`}</p>`;
}

export function Call({ call, facts, entry, role }) {
  const { room, devices } = call;
  useChanges(call, 'change');
  useChanges(devices, 'change');
  const [isChatOpen, openChat] = useState(matchMedia(WIDE).matches);
  const [unread, setUnread] = useState(0);
  const [window, openWindow] = useState('');
  const [hasKeys, setKeys] = useState(true);
  const [said, say] = useSaid(call, facts);
  const input = useRef(null);

  useEffect(() => {
    const came = ({ detail }) => {
      if (detail.from === room.you?.role) return;
      if (!isChatOpen) {
        setUnread((count) => count + 1);
        say(t('said_message', { name: facts.name(detail.from, room.people) }));
      }
    };
    call.addEventListener('message', came);
    return () => call.removeEventListener('message', came);
  }, [call, isChatOpen]);

  function toggleChat() {
    setUnread(0);
    openChat(!isChatOpen);
    if (!isChatOpen) setTimeout(() => input.current?.focus(), 50);
  }

  const toggleMic = () => devices.setMic(!devices.wanted.mic);
  const toggleCamera = () => devices.setCamera(!devices.wanted.camera);
  const admit = () => {
    const next = [...room.people.values()].find((one) => one.state === 'waiting');
    if (role === 'doctor' && next) room.admit(next.who);
  };
  useKeys(hasKeys, {
    m: toggleMic,
    v: toggleCamera,
    c: toggleChat,
    a: admit,
    escape: () => openWindow('leave'),
  });

  const isIn = room.isAdmitted;
  // A guest who waits reads and writes nothing: what is said may not be for them.
  const hasChat = role !== 'guest' || isIn;
  const { mic, camera, screen } = devices.wanted;
  const close = () => openWindow('');
  return html`<div class="room ${hasChat && isChatOpen ? 'has-chat' : ''}">
    <p class="unseen" role="status" aria-live="polite">${said}</p>
    <main class="scene">
      <${Notices} call=${call} facts=${facts} role=${role} />
      <${Closing} room=${room} role=${role} />
      ${call.links.size > 0 && html`<${Quality} call=${call} />`}
      ${isIn ? html`<${Stage} call=${call} facts=${facts} />` : html`<${WaitingRoom} call=${call} facts=${facts} />`}
      ${role === 'doctor' && html`<${Queue} call=${call} facts=${facts} onInvite=${() => openWindow('invite')} />`}
      <nav class="controls" aria-label=${t('controls')}>
        <${Toggle} isOn=${mic && !devices.problems.mic} icon=${mic ? 'mic' : 'mic_off'} words=${t('mic')} keys="M" onPress=${toggleMic} />
        <${Toggle} isOn=${camera && !devices.problems.camera} icon=${camera ? 'camera' : 'camera_off'} words=${t('camera')} keys="V" onPress=${toggleCamera} />
        ${isIn && navigator.mediaDevices?.getDisplayMedia && html`<${Button} kind="wide-only" icon="screen" words=${t(screen ? 'screen_stop' : 'screen_start')} onPress=${() => devices.setScreen(!screen)} />`}
        ${hasChat && html`<${ChatButton} unread=${unread} isOpen=${isChatOpen} onPress=${toggleChat} />`}
        <${Button} icon="settings" words=${t('settings')} onPress=${() => openWindow('settings')} />
        <${Button} icon="leave" words=${t('leave')} kind="danger" onPress=${() => openWindow('leave')} aria-keyshortcuts="Escape" />
      </nav>
    </main>
    ${hasChat && isChatOpen && html`<${Chat} call=${call} facts=${facts} entry=${entry} inputRef=${input} />`}
    ${window === 'leave' && html`<${LeaveWindow} call=${call} onClose=${close} onLeave=${() => call.leave()} />`}
    ${window === 'settings' && html`<${SettingsWindow} call=${call} facts=${facts} role=${role} hasKeys=${hasKeys} setKeys=${setKeys} onClose=${close} />`}
    ${window === 'invite' && html`<${InviteWindow} entry=${entry} onClose=${close} />`}
  </div>`;
}
