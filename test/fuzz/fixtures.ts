/** Small valid values that several targets share. */
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { parameterShapes } from '../../src/core/parameters.js';
import { sizeOf, type Tensor } from '../../src/core/tensor.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { encodeSafetensors, WEIGHTS_DTYPES } from '../../src/io/safetensors.js';
import type { ImageSet } from '../../src/data/sets/dataset.js';
import type { PixelImage } from '../../src/image/pixelImage.js';
import type { Random } from './random.js';

const SIZES = { dims: [4, 8, 8], strides: [2, 1], num_classes: 3, act_num: 1, input_size: 16, lambda: 1 };
const CLASS_NAMES = ['cat', 'dog', 'é'];

/** A network of a few kilobytes, in the deploy form. */
export const TINY = resolveConfig({ ...SIZES, form: 'deploy', class_names: CLASS_NAMES });

/** The same network in the train form. */
export const TINY_TRAIN = resolveConfig({ ...SIZES, form: 'train', class_names: CLASS_NAMES });

/** Weights that are small enough for float16 and int8; variances are 1 or more. */
export const stateOf = (config: ModelConfig): Map<string, Tensor> =>
  new Map(
    [...parameterShapes(config)].map(([name, shape], i) => {
      const value = (j: number): number => {
        if (name.endsWith('running_var')) return 1 + (j % 3);
        return name.endsWith('num_batches_tracked') ? 5 : ((i + j * 7) % 13) / 13 - 0.4;
      };
      return [name, { data: Float32Array.from({ length: sizeOf(shape) }, (_, j) => value(j)), shape }];
    }),
  );

/** Weight files of every type. */
export const WEIGHT_FILES: readonly Uint8Array[] = WEIGHTS_DTYPES.map((dtype) =>
  encodeSafetensors(stateOf(TINY), { dtype, metadata: writeConfig(TINY) }),
);

export function floats(random: Random, length: number): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = random.number(-2, 2);
  return values;
}

/** An input of the tiny network for n images. */
export const inputOf = (random: Random, n = 1): Float32Array =>
  floats(random, n * TINY.in_chans * TINY.input_size[0] * TINY.input_size[1]);

export function pixelsOf(random: Random, channels: 3 | 4 = random.pick([3, 4])): PixelImage {
  const [width, height] = [random.integer(1, 20), random.integer(1, 20)];
  return { data: random.bytes(width * height * channels), width, height };
}

/** A set of n images of 16x16 pixels in three classes. */
export function imageSetOf(random: Random, n = 6, side = 16): ImageSet {
  return {
    images: random.bytes(n * 3 * side * side),
    labels: Uint8Array.from({ length: n }, (_, i) => i % 3),
    n,
    channels: 3,
    height: side,
    width: side,
    classNames: CLASS_NAMES,
  };
}
