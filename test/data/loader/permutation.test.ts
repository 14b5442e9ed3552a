/** The order of the images of an epoch. */
import { expect, test } from '@jest/globals';
import { uniform } from '../../../src/core/philox.js';
import { permutation } from '../../../src/data/loader/permutation.js';

test.each([0, 1, 7])('epoch %d is a Fisher-Yates shuffle with the numbers of stream 2^30 + epoch', (epoch) => {
  const rest = Array.from({ length: 20 }, (_, i) => i);
  const shuffled: number[] = [];
  // The last place gets one of all images, and its image the place of the chosen one.
  for (let i = 19; i >= 0; i--) {
    const j = Math.floor(uniform(5, 2 ** 30 + epoch, i) * (i + 1));
    shuffled.unshift(rest[j]);
    rest[j] = rest[i];
  }
  expect([...permutation(20, 5, epoch)]).toEqual(shuffled);
});
