/** When a decoder of the examples is replaced, and which errors blame the image. */
import { expect, test } from '@jest/globals';
import {
  DamagedImageError,
  restartAfterDamage,
} from '../../examples/cloudflare-worker/src/decoders/restartAfterDamage.js';

const image = { data: new Uint8Array(3), width: 1, height: 1 };

/** Counts the decoders. They fail for images that start with 1 (damaged) and 2 (out of memory). */
function countDecoders() {
  let started = 0;
  const decode = restartAfterDamage(() => {
    started++;
    return ([first]) => {
      if (first === 1) throw new Error('damaged');
      if (first === 2) throw new RangeError('out of memory');
      return image;
    };
  });
  return { decode, started: () => started };
}

test('the decoder is kept after an image', () => {
  const { decode, started } = countDecoders();
  for (let i = 0; i < 3; i++) expect(decode(Uint8Array.of(0))).toBe(image);
  expect(started()).toBe(1);
});

test.each([
  ['a damaged image', 1, DamagedImageError],
  ['a lack of memory', 2, RangeError],
])('the decoder is replaced after %s', (_, byte, error) => {
  const { decode, started } = countDecoders();
  expect(() => decode(Uint8Array.of(byte))).toThrow(error);
  decode(Uint8Array.of(0));
  expect(started()).toBe(2);
});

test('an error at the start of a decoder does not blame the image', () => {
  const reason = new Error('no such module');
  const decode = restartAfterDamage(() => {
    throw reason;
  });
  expect(() => decode(Uint8Array.of(0))).toThrow(reason);
});
