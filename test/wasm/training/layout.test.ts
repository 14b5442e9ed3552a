/** A network that does not fit into memory is refused, with the remedy that helps. */
import { expect, test } from '@jest/globals';
import { resolveConfig, type ModelConfigInput } from '../../../src/core/config.js';
import { ParamError } from '../../../src/core/errors.js';
import { planTraining, type TrainingPlan } from '../../../src/wasm/training/layout.js';
import { refusal } from '../../io/refusal.js';

const FIVE: ModelConfigInput = { variant: 'vanillanet_5' };
const LARGE_MAPS: ModelConfigInput = { dims: [16, 16], strides: [1], input_size: 16384 };
const LARGEST: ModelConfigInput = { variant: 'vanillanet_13_x1_5' };

const FEWER_IMAGES = 'Increase gradAccumSteps (--grad-accum-steps), so that each pass has fewer images.';
const SMALLER = 'It does not fit with the fewest images a pass: choose a smaller variant or input size.';
const FEWER_WEIGHTS = 'The weights, gradients and moments alone do not fit: choose a smaller variant.';

test.each<[string, ModelConfigInput, number, Partial<TrainingPlan>, string]>([
  ['many images', FIVE, 1000, {}, FEWER_IMAGES],
  ['many images in each of two passes', FIVE, 500, { gradAccumSteps: 2, ema: true }, FEWER_IMAGES],
  ['the fewest images that are too large', LARGE_MAPS, 2, {}, SMALLER],
  ['many images, of which two are too large', LARGE_MAPS, 64, {}, SMALLER],
  ['the fewest images of the deploy form', { ...LARGE_MAPS, form: 'deploy', input_size: 32768 }, 1, {}, SMALLER],
  ['many weights, with their average', LARGEST, 2, { ema: true }, FEWER_WEIGHTS],
  ['many weights, their average and sums of gradients', LARGEST, 64, { ema: true, gradAccumSteps: 4 }, FEWER_WEIGHTS],
])('%s', (_, input, n, plan, hint) => {
  const planned = () => planTraining(resolveConfig(input), n, { threads: 1, ...plan });
  expect(planned).toThrow(refusal(ParamError, 'training', 'what fits into 4096 MiB of WebAssembly memory', 'MiB'));
  expect(planned).toThrow(expect.objectContaining({ hint }));
});

test('a network that fits is planned', () => {
  expect(planTraining(resolveConfig(FIVE), 2, { threads: 1 }).arena.end).toBeLessThan(2 ** 31);
});
