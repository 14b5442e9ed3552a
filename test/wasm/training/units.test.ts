/** Every unit of a network in training, forward and backward. */
import { bytes } from '#wasm/train-plain';
import { bytes as relaxed } from '#wasm/train-relaxed';
import { describe, expect, test } from '@jest/globals';
import { validates } from '../../../src/wasm/module.js';
import { NETWORKS } from './chain.js';
import { findPassMismatch } from './pass.js';

const BUILDS = [
  { build: 'plain', wasm: bytes },
  { build: 'relaxed', wasm: relaxed },
].filter(({ wasm }) => validates(wasm));

describe.each(BUILDS)('$build', ({ wasm }) => {
  describe.each(NETWORKS)('$label', (network) => {
    test.each([0, 0.25, 1])('λ %d', async (lambda) => {
      expect(await findPassMismatch(wasm, lambda, network)).toBeNull();
    });
  });
});
