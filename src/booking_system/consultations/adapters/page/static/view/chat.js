/** The chat: a log that is announced politely, what happens to one's own messages, and files. */

import { addressOf, FileRefused, sendFile } from '../call/consultation.js';
import { KINDS } from '../call/files.js';
import { html, useEffect, useRef, useState } from './html.js';
import { Icon } from './parts.js';
import { clock, kilobytes, t } from './words.js';

/** What has become of a message of one's own. */
function fate(room, seq) {
  const other = room.you?.role === 'doctor' ? 'patient' : 'doctor';
  const mark = room.marks.get(other);
  if (mark && mark.read >= seq) return 'read';
  return mark && mark.delivered >= seq ? 'delivered' : 'sent';
}

function Message({ one, room, facts, entry }) {
  const isMine = one.from === room.you?.role;
  const name = isMine ? t('you') : facts.name(one.from, room.people);
  return html`<li class=${isMine ? 'mine' : ''}>
    <p class="by"><b>${name}</b> <time datetime=${one.at}>${clock(new Date(one.at))}</time>
      ${isMine && html` <span class="fate">${t(fate(room, one.seq))}</span>`}</p>
    ${one.text && html`<p class="text">${one.text}</p>`}
    ${one.file && html`<${Attached} file=${one.file} entry=${entry} />`}
  </li>`;
}

function Attached({ file, entry }) {
  const [isMissing, setMissing] = useState(false);
  const words = `${file.filename} · ${kilobytes(file.size)}`;
  // A guest has no account that could answer for a file.
  if (!entry.signed) return html`<p class="file">${words}</p>`;
  const load = async () => {
    const link = document.createElement('a');
    try {
      link.href = await addressOf(entry, file.id);
    } catch {
      setMissing(true);
      return;
    }
    setMissing(false);
    link.download = '';
    link.click();
  };
  return html`<p class="file"><button type="button" aria-label=${t('download', { name: file.filename })}
    onClick=${load}>${words}</button>
    ${isMissing && html`<span role="alert">${t('file_missing', { name: file.filename })}</span>`}</p>`;
}

export function Chat({ call, facts, entry, isOver = false, inputRef }) {
  const { room } = call;
  const [text, setText] = useState('');
  const [note, setNote] = useState('');
  const list = useRef(null);
  const picker = useRef(null);
  const count = room.chat.length + room.outbox.waiting.length;

  useEffect(() => {
    list.current.scrollTop = list.current.scrollHeight;
  }, [count]);
  useEffect(() => {
    const seen = () => document.visibilityState === 'visible' && room.read();
    seen();
    document.addEventListener('visibilitychange', seen);
    return () => document.removeEventListener('visibilitychange', seen);
  });
  useEffect(() => {
    const refused = ({ detail }) => {
      const isLost = detail.id && !['rate_limited', 'unavailable'].includes(detail.code);
      if (isLost) setNote(t('message_failed'));
    };
    call.addEventListener('refused', refused);
    return () => call.removeEventListener('refused', refused);
  }, [call]);

  function send(event) {
    event.preventDefault();
    setNote('');
    room.say(text);
    setText('');
  }

  function keyed(event) {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event);
  }

  async function attach(event) {
    const [file] = event.target.files;
    event.target.value = '';
    if (!file) return;
    const { name } = file;
    try {
      const id = await sendFile(entry, file, (state) => setNote(t(`file_${state}`, { name })));
      room.say('', { file_id: id });
      setNote('');
    } catch (error) {
      const isRefused = error instanceof FileRefused;
      setNote(t(isRefused ? 'file_refused' : 'file_failed', { name }));
    }
  }

  const writing = [...room.typing].map((seat) => facts.name(seat, room.people));
  // What comes in while somebody writes is not read into their words.
  return html`<section class="chat" aria-labelledby="chat-title">
    <h2 id="chat-title">${t('chat_title')}</h2>
    <div ref=${list} class="log" role="log" aria-live=${text ? 'off' : 'polite'} aria-labelledby="chat-title" tabindex="0"><ol>
      ${count === 0 && html`<li class="empty">${t('chat_empty')}</li>`}
      ${room.chat.map((one) => html`<${Message} key=${one.id} one=${one} room=${room} facts=${facts} entry=${entry} />`)}
      ${room.outbox.waiting.map((one) => html`<li key=${one.id} class="mine waits">
        <p class="by"><b>${t('you')}</b> <span class="fate">${t('sending')}</span></p><p class="text">${one.text}</p></li>`)}
    </ol></div>
    <p class="typing">${writing.length > 0 && t('is_typing', { name: writing.join(', ') })}</p>
    <p class="note" role="status">${note}</p>
    ${!isOver && html`<form onSubmit=${send}>
      <label class="unseen" for="message">${t('write')}</label>
      <textarea id="message" ref=${inputRef} rows="2" maxlength="4000" placeholder=${t('write')} value=${text}
        onInput=${(event) => (setText(event.target.value), room.write(Boolean(event.target.value)))}
        onKeyDown=${keyed}></textarea>
      ${entry.signed && html`<input ref=${picker} type="file" hidden accept=${KINDS.join(',')} onChange=${attach} />
        <button type="button" class="attach" aria-label=${t('attach')} title=${t('attach')}
          onClick=${() => picker.current.click()}><${Icon} name="attach" /></button>`}
      <button class="main">${t('send')}</button>
    </form>`}
  </section>`;
}

/** The button that opens the chat, with how many messages nobody has looked at. */
export function ChatButton({ unread, isOpen, onPress }) {
  const words = unread ? t('chat_new', { n: unread }) : t('chat');
  return html`<button type="button" class="control ${unread ? 'has-news' : ''}" aria-expanded=${String(isOpen)}
    aria-keyshortcuts="C" onClick=${onPress}><${Icon} name="chat" /><span>${words}</span></button>`;
}
