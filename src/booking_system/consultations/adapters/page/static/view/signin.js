/** Signing in on the page itself, where no front end hands a session over. */

import { Refused } from '../call/consultation.js';
import { html, useState } from './html.js';
import { Heading } from './parts.js';
import { t } from './words.js';

export function SignIn({ session, onDone }) {
  const [wrong, setWrong] = useState('');
  const [isBusy, setBusy] = useState(false);

  async function send(event) {
    event.preventDefault();
    const fields = new FormData(event.target);
    setBusy(true);
    try {
      await session.signIn(fields.get('email'), fields.get('password'));
      onDone();
    } catch (error) {
      setWrong(t(error instanceof Refused ? 'sign_in_wrong' : 'sign_in_later'));
      setBusy(false);
    }
  }

  return html`<main class="plain">
    <${Heading}>${t('sign_in_title')}</${Heading}>
    <p>${t('sign_in_why')}</p>
    <form onSubmit=${send}>
      ${wrong && html`<p class="problem" role="alert">${wrong}</p>`}
      <label>${t('email')}<input name="email" type="email" autocomplete="username" required /></label>
      <label>${t('password')}<input name="password" type="password" autocomplete="current-password" required /></label>
      <button class="main" disabled=${isBusy}>${t('sign_in')}</button>
    </form>
  </main>`;
}
