/** What the page says, in the language of its document. */

import de from './words-de.js';
import en from './words-en.js';

const LANGUAGES = { de, en };
export const language = document.documentElement.lang in LANGUAGES ? document.documentElement.lang : 'en';
const words = LANGUAGES[language];
const plural = new Intl.PluralRules(language);

/** @param {string} name @param {Record<string, any>} [values] fill `{places}`; `n` chooses the number */
export function t(name, values = {}) {
  const form = 'n' in values && `${name}.${plural.select(values.n)}` in words ? `${name}.${plural.select(values.n)}` : name;
  return words[form].replace(/\{(\w+)\}/g, (_, place) => String(values[place]));
}

/** A day and a time at the clinic, with the name of the zone beside it. */
export function dayAndTime(instant, timeZone) {
  const options = { weekday: 'long', day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' };
  return new Intl.DateTimeFormat(language, { ...options, timeZone }).format(instant);
}

/** A time of today by the clock of this device. */
export function clock(instant) {
  return new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' }).format(instant);
}

export function kilobytes(size) {
  const isLarge = size >= 1_000_000;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: isLarge ? 1 : 0 });
  return isLarge ? `${number.format(size / 1_000_000)} MB` : `${number.format(Math.max(1, size / 1000))} kB`;
}
