/** Inputs of a network from the images of a set. */
import { expect, test } from '@jest/globals';
import { batchOf } from '../../../src/data/sets/batchOf.js';
import type { ImageSet } from '../../../src/data/sets/dataset.js';
import { prepareInputs } from '../../../src/data/sets/prepareInputs.js';
import { scaleSet } from '../../../src/data/sets/scaleSet.js';
import { drawShapes } from '../../../src/data/sets/shapes.js';
import { resolveFit } from '../../../src/image/preprocess.js';
import { failure } from './failure.js';

const normalization = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] };
const fitting = { crop_pct: 0.75, interpolation: 'bicubic' } as const;
const config = { input_size: [12, 8], ...fitting, ...normalization } as const;
const set = drawShapes(4, { seed: 1, size: 16 });
const prepared = scaleSet(set, resolveFit({ size: [12, 8], ...fitting }));

test('original images are scaled, cropped and normalized, in the order of the positions', async () => {
  const inputs = await prepareInputs(set, [2, 0, 2], config);
  expect(inputs).toEqual(batchOf(prepared, [2, 0, 2], normalization));
  expect(inputs).toHaveLength(3 * 3 * 12 * 8);
});

test('images that were opened for the network are only normalized', async () => {
  expect(await prepareInputs(prepared, [3, 1], config)).toEqual(batchOf(prepared, [3, 1], normalization));
});

const gray: ImageSet = { ...set, images: set.images.subarray(0, 4 * 256), channels: 1 };

test.each<[string, () => Promise<unknown>, object]>([
  [
    'a value that is no set',
    () => prepareInputs(null as never, [0], config),
    { message: 'prepareInputs: expected a data set, got null' },
  ],
  [
    'a value that is no configuration',
    () => prepareInputs(set, [0], null as never),
    { message: 'config: expected an object, got null' },
  ],
  ['a share of the image above 1', () => prepareInputs(gray, [0], { ...config, crop_pct: 2 }), { op: 'crop_pct' }],
  [
    'images that were prepared otherwise',
    () => prepareInputs(prepared, [0], { ...config, crop_pct: 0.5 }),
    { op: 'prepareInputs', got: '12x8, crop_pct 0.75, bicubic' },
  ],
])('%s is refused', async (_, call, error) => {
  expect(await failure(call)).toMatchObject({ name: 'ParamError', ...error });
});
