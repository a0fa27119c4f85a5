/** The page of a consultation: who comes, and which screen they see. */

import { Consultation, guestEntry, partyEntry, Refused } from '../call/consultation.js';
import { Call } from './call.js';
import { Check } from './check.js';
import { Facts } from './facts.js';
import { html, render, useEffect, useState } from './html.js';
import { Over } from './over.js';
import { guestToken, keepGuest, Session } from './session.js';
import { SignIn } from './signin.js';
import { t } from './words.js';

const place = document.getElementById('page');
const session = new Session(place.dataset.origins.split(' ').filter(Boolean));
const [, , bookingId] = location.pathname.split('/');
const facts = new Facts();

function way() {
  if (bookingId) return partyEntry({ bookingId, token: (again) => session.token(again) });
  const token = guestToken();
  return token ? guestEntry({ token, keep: keepGuest }) : null;
}

/** Say who it is with, where that can be known before anybody comes in. */
async function lookedUp(entry) {
  if (!entry.signed) return 'guest';
  await facts.load(entry);
  const me = await entry.signed('/v1/me');
  const booking = await entry.signed(entry.booking);
  return me.patient_id && me.patient_id === booking.patient_id ? 'patient' : 'doctor';
}

function App() {
  const [entry, setEntry] = useState(null);
  const [call, setCall] = useState(null);
  const [phase, setPhase] = useState('loading');
  const [role, setRole] = useState('');
  const [end, setEnd] = useState(null);

  async function begin() {
    const given = way();
    if (!given) return over({ reason: 'no_link' });
    setEntry(given);
    try {
      setRole(await lookedUp(given));
    } catch (error) {
      if (!(error instanceof Refused)) return setTimeout(begin, 2000);
      return error.status === 401 ? setPhase('sign_in') : over({ reason: 'forbidden' });
    }
    const made = new Consultation(given);
    made.addEventListener('closed', ({ detail }) => over(detail));
    setCall(made);
    return setPhase('check');
  }

  function over(detail) {
    setEnd(detail);
    // Somebody who was signed out in a call signs in and goes on.
    setPhase(detail.reason === 'signed_out' && bookingId ? 'sign_in' : 'over');
  }

  function join() {
    call.join();
    setPhase('call');
  }

  async function back() {
    await call.devices.open();
    join();
  }

  useEffect(() => void begin(), []);
  useEffect(() => {
    document.title = facts.startsAt
      ? t('title_with', { name: facts.name(role === 'doctor' ? 'patient' : 'doctor') })
      : t('title');
  }, [phase, role]);

  const about = { call, facts, entry, session, role };
  if (phase === 'sign_in') return html`<${SignIn} session=${session} onDone=${() => (call ? back() : begin())} />`;
  if (phase === 'check') return html`<${Check} ...${about} onJoin=${join} />`;
  if (phase === 'call') return html`<${Call} ...${about} />`;
  if (phase === 'over') return html`<${Over} ...${about} end=${end} onBack=${back} />`;
  return html`<main class="plain"><p role="status">${t('loading')}</p></main>`;
}

place.replaceChildren();
render(html`<${App} />`, place);
