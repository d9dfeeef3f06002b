import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../base/bytes';
import { createTextDeltas, settledText } from './text-deltas';

const lossy = (bytes: readonly number[]) => new TextDecoder().decode(Uint8Array.from(bytes));

/** Decodes byte by byte, as the worst tokenizer would. */
function deltasOf(bytes: readonly number[], from = 0): string[] {
  const deltas = createTextDeltas(lossy(bytes.slice(0, from)));
  return bytes
    .slice(from)
    .map((_, index) => deltas.next(lossy(bytes.slice(0, from + index + 1)), from + index === bytes.length - 1));
}

describe('text deltas', () => {
  it('hold an unfinished character back until it is complete', () => {
    expect(deltasOf([...utf8('aé€')])).toEqual(['a', '', 'é', '', '', '€']);
  });

  it('join to the whole text, whatever its bytes and wherever it was continued', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 24 }),
        fc.nat(),
        (bytes, at) => {
          const from = at % bytes.length;
          const shown = settledText(lossy(bytes.slice(0, from)));
          expect(shown + deltasOf(bytes, from).join('')).toBe(lossy(bytes));
        },
      ),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
        expect(deltasOf([...utf8(text)]).join('')).toBe(text);
      }),
    );
  });

  it('give out what is left of broken bytes at the end', () => {
    expect(deltasOf([97, 0xe2, 0x82])).toEqual(['a', '', '\uFFFD']);
  });
});
