"""What a browser shows, looked at by measure: sizes, contrast, language, what is cut off."""

from typing import Any

from playwright.async_api import Frame, Page

SMALLEST, FINGER, CONTRAST = 12, 44, 4.5
"""Pixels of letters, pixels of what a finger presses, and how much letters differ from paper."""
MEASURE = """() => {
  const parts = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const paper = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const [r, g, b, a = 1] = parts(getComputedStyle(one).backgroundColor);
      layers.push([r, g, b, a]);
      if (a === 1) break;
    }
    let seen = [255, 255, 255];
    for (const [r, g, b, a] of layers.reverse())
      seen = [r, g, b].map((one, at) => one * a + seen[at] * (1 - a));
    return seen;
  };
  const light = (color) => {
    const [r, g, b] = color.map((one) => one / 255)
      .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const against = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const wrong = [], root = document.documentElement;
  if (root.scrollWidth > root.clientWidth)
    wrong.push(`scrolls sideways: ${root.scrollWidth} in ${root.clientWidth}`);
  for (const one of document.body.querySelectorAll('*')) {
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    if (!box.width || !box.height || style.visibility === 'hidden') continue;
    const text = [...one.childNodes].filter((node) => node.nodeType === 3)
      .map((node) => node.data.trim()).join(' ').trim();
    const name = `<${one.localName}> ${text.slice(0, 40)}`;
    const isHidden = box.height <= 2 || box.width <= 2 || Number(style.opacity) === 0;
    if (text && !isHidden && !['style', 'script', 'title'].includes(one.localName)) {
      if (parseFloat(style.fontSize) < SMALLEST) wrong.push(`${name}: ${style.fontSize}`);
      const ratio = against(parts(style.color).slice(0, 3), paper(one));
      if (ratio < CONTRAST) wrong.push(`${name}: contrast ${ratio.toFixed(2)}`);
      const isCut = one.scrollWidth > one.clientWidth + 1 && style.overflowX === 'hidden';
      if (isCut && style.textOverflow !== 'ellipsis') wrong.push(`${name}: cut off`);
    }
    const isButton = one.localName === 'button' || one.localName === 'input'
      || one.localName === 'a' && style.display === 'inline-block';
    if (isButton && box.height < FINGER) wrong.push(`${name}: ${box.height} high`);
  }
  return wrong;
}"""


async def wrong_looks(where: Page | Frame) -> list[str]:
    """Return what is too small, too pale, cut off, or wider than the page."""
    script = MEASURE
    for name, value in (("SMALLEST", SMALLEST), ("FINGER", FINGER), ("CONTRAST", CONTRAST)):
        script = script.replace(name, str(value))
    found: list[Any] = await where.evaluate(script)
    return [str(one) for one in found]
