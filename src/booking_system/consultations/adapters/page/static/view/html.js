/** The view library, which is vendored: everything that draws takes it from here. */

import htm from '../vendor/htm-3.1.1.mjs';
import { h, render } from '../vendor/preact-11.2.0.mjs';

export { render };
export { useEffect, useRef, useState } from '../vendor/preact-hooks-11.2.0.mjs';
export const html = htm.bind(h);
