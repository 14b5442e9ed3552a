import { resolveConfig, type ModelConfigInput } from '../../core/config.js';
import { ParamError } from '../../core/errors.js';
import { parameterShapes } from '../../core/parameters.js';
import { planNetwork } from '../../core/network.js';
import { sizeOf } from '../../core/tensor.js';
import { planLayout, type MemoryUse } from './layout.js';
import { threadCount } from '../team.js';

/** How a file can keep weights. */
export const STORED_DTYPES = ['float32', 'float16', 'int8'] as const;

export type StoredDtype = (typeof STORED_DTYPES)[number];

/** What a network needs: bytes, and work. */
export interface MemoryPlan extends MemoryUse {
  /** Outside of the linear memory: a batch of float32 images and their logits, as `forward` takes and gives them. */
  readonly batch: number;
  /** The tensors in a weight file of the deploy form; its header, some kB of names, comes on top. */
  readonly file: number;
  /** Multiply-adds for one image, of the convolutions, as in `planNetwork`. */
  readonly macs: number;
}

export interface MemoryPlanOptions {
  /** Images a call. */
  readonly batch?: number;
  /** Each has a scratch of its own. */
  readonly threads?: number | 'auto';
  /** Side, or height and width, of the input in the place of the configuration's. */
  readonly size?: number | readonly [number, number];
  /** How the file keeps the weights; in memory they are float32 whatever it says. */
  readonly dtype?: StoredDtype;
}

/** Bytes of a tensor: as int8, vectors stay float32 and every output channel has a float32 scale. */
function storedBytes(shape: readonly number[], dtype: StoredDtype): number {
  if (dtype === 'float16') return 2 * sizeOf(shape);
  if (dtype === 'float32' || shape.length < 2) return 4 * sizeOf(shape);
  return sizeOf(shape) + 4 * shape[0];
}

const refuse = (expected: string, got: string): never => {
  throw new ParamError({ op: 'memoryPlan', expected, got });
};

/**
 * Bytes that the WebAssembly backend needs for a network in the deploy form, before
 * anything is loaded, and the size of its file. Images are worked on one by one: a
 * larger batch needs no more linear memory.
 *
 *     total = weights + activations + scratch, and some 64 kB for the module and its program
 *
 * @throws ParamError for what is no configuration, and beyond 4 GiB; ShapeError where the input is too small
 */
export function memoryPlan(
  given: ModelConfigInput,
  { batch = 1, threads = 1, size, dtype = 'float32' }: MemoryPlanOptions = {},
): MemoryPlan {
  if (!Number.isSafeInteger(batch) || batch < 1) refuse('batch an integer >= 1', String(batch));
  if (!STORED_DTYPES.includes(dtype)) refuse(`dtype one of ${STORED_DTYPES.join(', ')}`, JSON.stringify(dtype));
  const config = resolveConfig({ ...given, form: 'deploy', ...(size === undefined ? {} : { input_size: size }) });
  const { use } = planLayout(config, { threads: threadCount(threads) });
  const shapes = [...parameterShapes(config).values()];
  return {
    ...use,
    batch: 4 * batch * (sizeOf([config.in_chans, ...config.input_size]) + config.num_classes),
    file: shapes.reduce((sum, shape) => sum + storedBytes(shape, dtype), 0),
    macs: planNetwork(config, config.input_size).reduce((sum, { macs }) => sum + macs, 0),
  };
}
