import { initialize, tensor, uniform, type Config, type State, type Tensor } from '../../reference/index.js';
import { sizeOf } from '../../reference/tensor.js';

/** A state filled by a rule, in the order of PyTorch's state_dict without `num_batches_tracked`. */
export function ruledState(
  config: Config,
  value: (name: string, shape: readonly number[], k: number, j: number) => number,
): State {
  const state = new Map<string, Tensor>();
  let k = 0;
  for (const [name, fresh] of initialize(config, { seed: 0 })) {
    if (name.endsWith('.num_batches_tracked')) {
      state.set(name, fresh);
      continue;
    }
    const { shape } = fresh;
    const index = k++;
    const values = Float64Array.from({ length: sizeOf(shape) }, (_, j) => value(name, shape, index, j));
    state.set(name, tensor(values, shape));
  }
  return state;
}

/** γ of a normalization: a weight with one axis. */
const isScale = (name: string, shape: readonly number[]): boolean => name.endsWith('.weight') && shape.length === 1;

/**
 * The weights described in test/reference/golden/README.md: uniform, with unit gain; biases without gradient are away
 * from zero.
 */
export const goldenState = (config: Config, seed: number, vanishing: readonly string[]): State =>
  ruledState(config, (name, shape, k, j) => {
    const s = 2 * uniform(seed, k, j) - 1;
    if (shape.length === 4) return s * Math.sqrt(3 / sizeOf(shape.slice(1)));
    if (isScale(name, shape)) return 1 + 0.3 * s;
    if (name.endsWith('.running_mean')) return 0.3 * s;
    if (name.endsWith('.running_var')) return 1 + 0.5 * s;
    return vanishing.includes(name) ? (s + Math.sign(s)) / 2 : 0.1 * s;
  });

/** The rule of the official golden: sines of position and tensor index. */
export const sineState = (config: Config): State =>
  ruledState(config, (name, shape, k, j) => {
    const s = Math.sin(0.37 * j + 0.91 * k);
    if (name.endsWith('.running_var')) return 1 + 0.5 * s;
    return isScale(name, shape) ? 1 + 0.3 * s : 0.4 * s;
  });
