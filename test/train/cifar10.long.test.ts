/** Training on CIFAR-10 generalizes to held-out images. */
import { expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { openDataset } from '../../src/data/sets/open.js';
import { train } from '../../src/train/train.js';
import { describeWith, SHARED } from '../data/sets/sharedData.js';
import { collect } from './collect.js';

const ARCHIVE = 'cifar-10-1k-python.tar.gz';
const [TRAINED, HELD_OUT] = [600, 500];

/**
 * A guess is right with probability p = 1/10. The accuracy on n images then has standard deviation √(p(1−p)/n), which is
 * 1.34% for 500. Three standard deviations above 10% is 14.0%.
 */
const THREE_DEVIATIONS = 0.1 + 3 * Math.sqrt((0.1 * 0.9) / HELD_OUT);

describeWith([ARCHIVE], 'a tiny network on CIFAR-10', () => {
  test('the loss falls in every epoch, and the accuracy on held-out images is above chance', async () => {
    const [set, heldOut] = await Promise.all([
      openDataset(`${SHARED}/${ARCHIVE}`, 'train', { n: TRAINED }),
      openDataset(`${SHARED}/${ARCHIVE}`, 'test', { n: HELD_OUT }),
    ]);
    expect([set.n, heldOut.n]).toEqual([TRAINED, HELD_OUT]);
    const config = resolveConfig({
      dims: [8, 16],
      strides: [2],
      num_classes: 10,
      input_size: 32,
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
    });
    const { epochs } = await collect(
      train({ train: set, validation: heldOut }, config, {
        epochs: 3,
        decayEpochs: 2,
        batchSize: 20,
        lr: 5e-3,
        weightDecay: 1e-5,
        smoothing: 0.1,
      }),
    );
    const losses = epochs.map(({ train: { loss } }) => loss);
    expect(losses[1]).toBeLessThan(losses[0]);
    expect(losses[2]).toBeLessThan(losses[1]);
    expect(epochs[2].validation?.top1).toBeGreaterThan(THREE_DEVIATIONS);
  });
});
