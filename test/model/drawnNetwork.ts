import { resolveConfig, type Form, type ModelConfig } from '../../src/core/config.js';
import { sizeOf, type StateDict, type Tensor } from '../../src/core/tensor.js';
import { toOracleConfig } from '../../src/oracle/backend.js';
import { stateFromOracle } from '../../src/oracle/state.js';
import { draw } from '../judges/draw.js';
import { goldenState } from '../judges/ruledState.js';

/** A network of two stages, one of which pools; a forward pass of the reference takes a millisecond. */
const SIZES = { dims: [4, 6, 8], strides: [2, 1], num_classes: 5, act_num: 1, input_size: [16, 20], lambda: 1 };

export const drawnConfig = (form: Form, overrides: object = {}): ModelConfig =>
  resolveConfig({ ...SIZES, ...overrides, form });

/** Random weights of unit gain, with running statistics other than the initial ones. */
export const drawnState = (config: ModelConfig, seed = 1): StateDict =>
  stateFromOracle(goldenState(toOracleConfig(config), seed, []));

/** n images of the configuration's size, uniform in [-1, 1). */
export function drawnImages(config: ModelConfig, n: number, seed = 2): Tensor {
  const shape = [n, config.in_chans, ...config.input_size];
  return { data: Float32Array.from(draw(shape, seed).data.subarray(0, sizeOf(shape))), shape };
}
