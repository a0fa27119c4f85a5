/** Files of the chat: announced, sent, checked; then a message may name them. */

import { asked, Refused } from './entry.js';

export const KINDS = ['image/jpeg', 'image/png', 'image/webp', 'application/pdf'];
export const MOST_BYTES = 25 * 1024 * 1024;
const LOOK_AGAIN = 1500;
const MOST_LOOKS = 120;

/** The file is none that may be sent. `fault`: why, as the API words it. */
export class FileRefused extends Error {
  constructor(fault) {
    super(fault);
    this.fault = fault;
  }
}

/**
 * Send a file; the message that names it is yours to say.
 *
 * @param {ReturnType<import('./entry.js').partyEntry>} entry
 * @param {File} file
 * @param {(state: 'sending' | 'checking') => void} [told]
 * @returns {Promise<string>} its id, for `room.say(text, { file_id })`
 * @throws {FileRefused} what is wrong with it, `NotNow` if another try may help
 */
export async function sendFile(entry, file, told = () => {}) {
  if (!KINDS.includes(file.type)) throw new FileRefused('kind');
  if (file.size > MOST_BYTES || !file.size) throw new FileRefused('size');
  told('sending');
  try {
    const made = await entry.signed(`${entry.base}/v1/files`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() },
      body: JSON.stringify({
        purpose: 'chat_attachment',
        owner_id: entry.bookingId,
        filename: file.name || 'file',
        content_type: file.type,
        size: file.size,
      }),
    });
    const { method, url, headers } = made.upload;
    await asked(ours(url, entry.base), { method, headers, body: file, signal: undefined });
    told('checking');
    const path = `${entry.base}/v1/files/${made.id}`;
    const key = { 'Idempotency-Key': crypto.randomUUID() };
    let now = await entry.signed(`${path}/complete`, { method: 'POST', headers: key });
    for (let looks = 0; now.state === 'checking' && looks < MOST_LOOKS; looks++) {
      await new Promise((go) => setTimeout(go, LOOK_AGAIN));
      now = await entry.signed(path);
    }
    if (now.state !== 'ready') throw new FileRefused(now.fault || now.state);
    return made.id;
  } catch (error) {
    if (error instanceof Refused) throw new FileRefused(error.code);
    throw error;
  }
}

/**
 * @returns {Promise<string>} an address to download a file of the chat from, good for five minutes
 */
export async function addressOf(entry, fileId) {
  const file = await entry.signed(`${entry.base}/v1/files/${encodeURIComponent(fileId)}`);
  return ours(file.download_url, entry.base);
}

/** What the API serves itself is reached where the page reaches it; a storage of its own is not. */
function ours(url, base) {
  const found = new URL(url, base);
  return found.pathname.startsWith('/v1/') ? base + found.pathname + found.search : found.href;
}
