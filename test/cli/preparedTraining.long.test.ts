/** What a training records in its weights is what its validation used: `eval` has the score of the log. */
import { beforeAll, describe, expect, test } from '@jest/globals';
// Loaded here, because jest cannot load two modules that share one at the same time.
import '../../src/report/curves.js';
import '../../src/report/page.js';
import { trainCommand } from '../../src/cli/train.js';
import { readWeights } from '../../src/io/weightsFile.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { evaluated, printedBy, writePets, type Evaluation } from './pets.js';

const path = temporaryFolder();

beforeAll(() => writePets(path('pets')));

describe('a training', () => {
  const NETWORK = ['--size', '16', '--dims', '4,6', '--strides', '2', '--batch-size', '5'];
  const SCHEDULE = ['--epochs', '3', '--decay-epochs', '1', '--fuse-at-decay', '--lr', '0.02', '--workers', '0'];

  /** Trains, and returns the validation loss of the last epoch and the recorded configuration. */
  async function trained(folder: string, ...args: readonly string[]) {
    const data = ['-d', path('pets'), '-o', path(folder), '--build', 'plain', '--threads', '1', '--json'];
    const text = await printedBy(trainCommand(), [...data, ...NETWORK, ...SCHEDULE, ...args]);
    const last = JSON.parse(text.trimEnd().split('\n').slice(-1)[0]) as { validation: Evaluation };
    const { config } = await readWeights(path(folder, 'last.safetensors'));
    return { validation: last.validation, config };
  }

  test.each([
    ['default', [], 1, 'bicubic'],
    ['crops', ['--crop-pct', '0.7', '--interpolation', 'bilinear'], 0.7, 'bilinear'],
    // Held-out images are scaled once, whatever the size of those to train on.
    ['other-size', ['--image-size', '24', '--crop-pct', '0.8'], 0.8, 'bilinear'],
    ['random-crops', ['--random-resized-crop', '0.3', '--size', '64'], 0.875, 'bicubic'],
    ['small-random-crops', ['--random-resized-crop', '0.3'], 1, 'bicubic'],
  ] as const)('%s: eval has the score of the log', async (name, args, crop_pct, interpolation) => {
    const { validation, config } = await trained(name, ...args);
    expect(config).toMatchObject({ crop_pct, interpolation });
    const weights = path(name, 'last.safetensors');
    const args2 = ['-w', weights, '-d', path('pets'), '--split', 'val', '--build', 'plain'];
    const { loss, top1 } = await evaluated(...args2);
    // Training computes in float32 in another order than inference.
    expect(loss).toBeCloseTo(validation.loss, 4);
    expect(top1).toBe(validation.top1);
  });
});
