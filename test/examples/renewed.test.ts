/** When a decoder of the examples is kept, and whose fault it is where there is no image. */
import { expect, test } from '@jest/globals';
import { Damaged, renewed } from '../../examples/cloudflare-worker/src/decoders/renewed.js';

const image = { data: new Uint8Array(3), width: 1, height: 1 };

/** Counts its decoders; each decodes but the bytes 1, which are damaged, and 2, for which there is no memory. */
function counted() {
  let started = 0;
  const decode = renewed(() => {
    started++;
    return ([first]) => {
      if (first === 1) throw new Error('damaged');
      if (first === 2) throw new RangeError('out of memory');
      return image;
    };
  });
  return { decode, started: () => started };
}

test('is kept after an image', () => {
  const { decode, started } = counted();
  for (let i = 0; i < 3; i++) expect(decode(Uint8Array.of(0))).toBe(image);
  expect(started()).toBe(1);
});

test.each([
  ['a damaged image', 1, Damaged],
  ['no memory', 2, RangeError],
])('begins anew after %s', (_, byte, error) => {
  const { decode, started } = counted();
  expect(() => decode(Uint8Array.of(byte))).toThrow(error);
  decode(Uint8Array.of(0));
  expect(started()).toBe(2);
});

test('that it does not start is not said to be the image', () => {
  const reason = new Error('no such module');
  const decode = renewed(() => {
    throw reason;
  });
  expect(() => decode(Uint8Array.of(0))).toThrow(reason);
});
