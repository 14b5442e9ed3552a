/** Compares losses, optimizers and the average of the state with the reference. */
import { bytes } from '#wasm/train-plain';
import { bytes as relaxed } from '#wasm/train-relaxed';
import { describe, expect, test } from '@jest/globals';
import { validates } from '../../../src/wasm/module.js';
import { findAccumulationMismatch } from './accumulationJudge.js';
import { findAverageMismatch } from './averageJudge.js';
import { NETWORKS } from './chain.js';
import { findLossMismatch } from './lossJudge.js';
import { findOptimizerMismatch, STEPS } from './optimizerJudge.js';

const BUILDS = [
  { build: 'plain', wasm: bytes },
  { build: 'relaxed', wasm: relaxed },
].filter(({ wasm }) => validates(wasm));

/** Odd numbers of channels; tensors of many panels; the deploy form. */
const SOME = [NETWORKS[1], NETWORKS[6], NETWORKS[7]];

describe.each(BUILDS)('$build', ({ wasm }) => {
  describe.each(SOME)('$label', (network) => {
    // Rest parameters: for a named parameter that a row lacks, jest would pass a callback and wait for it.
    test.each(STEPS)('%s', async (...[, step, count, size]) => {
      expect(await findOptimizerMismatch(wasm, network, step, count, size)).toBeNull();
    });

    test('gradients accumulated over passes', async () => {
      expect(await findAccumulationMismatch(wasm, network)).toBeNull();
    });

    test.each([0, 0.9, 0.99996, 1])('an average with decay %d', async (decay) => {
      expect(await findAverageMismatch(wasm, network, decay)).toBeNull();
    });
  });

  describe.each(['cross-entropy', 'bce'] as const)('%s', (loss) => {
    test.each([0.5, 20, 1000])('logits up to %d', async (scale) => {
      for (const network of [NETWORKS[0], NETWORKS[3]]) {
        expect(await findLossMismatch(wasm, network, loss, scale)).toBeNull();
      }
    });
  });
});
