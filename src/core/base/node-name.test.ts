import { expect, test } from 'vitest';
import { nodeFace } from './node-face';
import { nodeName, nodeNameWords } from './node-name';
import { hex } from './bytes';
import { sha256 } from './canonical';
import { utf8 } from './bytes';

const key = (n: number): string => hex(sha256(utf8(`key ${n}`)));

test('a name is two words and four characters of the hash, the same everywhere', () => {
  expect(nodeName('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')).toMatchInlineSnapshot(
    `"fond-pangolin 21fe"`,
  );
  expect(nodeName(key(1))).toBe(nodeName(key(1)));
  for (let n = 0; n < 200; n++) expect(nodeName(key(n))).toMatch(/^[a-z]+-[a-z]+ [0-9a-f]{4}$/);
});

test('the word lists hold 128 different plain words each', () => {
  for (const list of [nodeNameWords.qualities, nodeNameWords.animals]) {
    expect(list).toHaveLength(128);
    expect(new Set(list).size).toBe(128);
    for (const word of list) expect(word).toMatch(/^[a-z]{2,12}$/);
  }
});

test('two hundred nodes have two hundred names', () => {
  expect(new Set(Array.from({ length: 200 }, (_, n) => nodeName(key(n)))).size).toBe(200);
});

test('a face is mirrored, neither empty nor full, with two hues apart', () => {
  for (let n = 0; n < 500; n++) {
    const { cells, hues } = nodeFace(key(n));
    expect(cells).toHaveLength(5);
    for (const row of cells) expect(row).toEqual([...row].reverse());
    const filled = cells.flat().filter(Boolean).length;
    expect(filled).toBeGreaterThanOrEqual(6);
    expect(filled).toBeLessThanOrEqual(19);
    const apart = Math.abs(hues[0] - hues[1]);
    expect(Math.min(apart, 360 - apart)).toBeGreaterThanOrEqual(60);
  }
  expect(nodeFace(key(7))).toEqual(nodeFace(key(7)));
});

test('every face colour has a contrast of 3 to 1 on every paper, light and dark', () => {
  const papers = ['#faf7f2', '#f3eee6', '#fffdf9', '#181512', '#1f1b17', '#231f1a'].map(luminanceOfHex);
  const colours = new Set(Array.from({ length: 200 }, (_, n) => nodeFace(key(n)).colours).flat());
  expect(colours.size).toBe(12);
  for (const colour of colours) {
    const [lightness, chroma, hue] = /oklch\((\S+) (\S+) (\S+)\)/.exec(colour)!.slice(1).map(Number);
    const luminance = luminanceOfOklch(lightness!, chroma!, hue!);
    for (const paper of papers) {
      const contrast = (Math.max(paper, luminance) + 0.05) / (Math.min(paper, luminance) + 0.05);
      expect(contrast).toBeGreaterThan(3);
    }
  }
});

const luminance = (r: number, g: number, b: number): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;

function luminanceOfHex(text: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(text.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return luminance(r!, g!, b!);
}

/** CSS Color 4, section 10.6: OKLCH to linear sRGB, clipped. */
function luminanceOfOklch(lightness: number, chroma: number, hueDegrees: number): number {
  const hue = (hueDegrees * Math.PI) / 180;
  const a = chroma * Math.cos(hue);
  const b = chroma * Math.sin(hue);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clip = (value: number): number => Math.min(1, Math.max(0, value));
  return luminance(
    clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  );
}
