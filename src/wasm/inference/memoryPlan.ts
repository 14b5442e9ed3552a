import { checkObject, checkOneOf, checkOptions, show } from '../../core/check.js';
import { resolveConfig, type ModelConfigInput } from '../../core/config.js';
import { ParamError } from '../../core/errors.js';
import { parameterShapes } from '../../core/parameters.js';
import { planNetwork } from '../../core/network.js';
import { sizeOf } from '../../core/tensor.js';
import { planLayout, type MemoryUse } from './layout.js';
import { checkThreads, threadCount } from '../team.js';

/** The types in which a file stores weights. */
export const STORED_DTYPES = ['float32', 'float16', 'int8'] as const;

export type StoredDtype = (typeof STORED_DTYPES)[number];

/** The memory and the work that a network needs; bytes, unless stated otherwise. */
export interface MemoryPlan extends MemoryUse {
  /** Outside of linear memory: a batch of float32 images and their logits, the input and output of `forward`. */
  readonly batch: number;
  /** The tensors in a weight file of the deploy form, without its header of a few kB. */
  readonly file: number;
  /** Multiply-adds of the convolutions for one image, as in `planNetwork`. */
  readonly macs: number;
}

export interface MemoryPlanOptions {
  /** Images in a call. Default 1. */
  readonly batch?: number;
  /** Default 1. Each thread has its own scratch. A number may be larger than this machine's: the plan may be for another. */
  readonly threads?: number | 'auto';
  /** Side, or height and width, of the input. Default: that of the configuration. */
  readonly size?: number | readonly [number, number];
  /** How the file stores the weights; in memory they are always float32. Default `float32`. */
  readonly dtype?: StoredDtype;
}

const KEYS = ['batch', 'threads', 'size', 'dtype'] as const satisfies (keyof MemoryPlanOptions)[];

/** Bytes of a tensor in a file. In int8, vectors remain float32, and each output channel has a float32 scale. */
function storedBytes(shape: readonly number[], dtype: StoredDtype): number {
  if (dtype === 'float16') return 2 * sizeOf(shape);
  if (dtype === 'float32' || shape.length < 2) return 4 * sizeOf(shape);
  return sizeOf(shape) + 4 * shape[0];
}

const refuse = (expected: string, got: string): never => {
  throw new ParamError({ op: 'memoryPlan', expected, got });
};

/**
 * The memory that the WebAssembly backend needs for a network in the deploy form, and the size of its weight file; nothing
 * is loaded. Images are computed one by one, so that a larger batch needs no more linear memory.
 *
 *     total = weights + activations + scratch + about 64 kB for the module and its program
 *
 * @throws ParamError for an invalid configuration or option, and if the network needs more than 4 GiB
 * @throws ShapeError if the input is too small
 */
export function memoryPlan(input: ModelConfigInput, options: MemoryPlanOptions = {}): MemoryPlan {
  const { batch = 1, threads = 1, size, dtype = 'float32' } = checkOptions(options, KEYS, 'memoryPlan: options');
  if (!Number.isSafeInteger(batch) || batch < 1) refuse('batch an integer >= 1', show(batch));
  checkOneOf('memoryPlan: dtype', dtype, STORED_DTYPES);
  const config = resolveConfig({
    ...checkObject('config', input),
    form: 'deploy',
    ...(size === undefined ? {} : { input_size: size }),
  });
  const { use } = planLayout(config, {
    threads: typeof threads === 'number' ? checkThreads(threads) : threadCount(threads),
  });
  const shapes = [...parameterShapes(config).values()];
  return {
    ...use,
    batch: 4 * batch * (sizeOf([config.in_chans, ...config.input_size]) + config.num_classes),
    file: shapes.reduce((sum, shape) => sum + storedBytes(shape, dtype), 0),
    macs: planNetwork(config, config.input_size).reduce((sum, { macs }) => sum + macs, 0),
  };
}
