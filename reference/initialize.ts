import { checkConfig, type Config } from './config.js';
import type { State } from './layers.js';
import { full, zeros, type Tensor } from './tensor.js';
import { truncatedNormal } from './truncatedNormal.js';
import { requireOneOf, requireOptions } from './require.js';

export interface InitializeOptions {
  /** An integer in [0, 2³²). */
  readonly seed: number;
  /** Bounds of the normal distribution: ±2 (default; timm, the official code) or ±2 std (older Paddle versions). */
  readonly truncation?: 'absolute' | 'two-sigma';
}

/**
 * Initial weights. Kernels of convolutions and activations are truncated normal with std 0.02; biases are 0; batch
 * normalizations have γ = 1, β = 0, running mean 0 and running variance 1. Kernel k is drawn from stream k, so that
 * it does not depend on the sizes of the others.
 *
 * @returns the state in the order of PyTorch's `state_dict()`
 * @throws ParamError
 */
export function initialize(config: Config, options: InitializeOptions): State {
  const { seed, truncation = 'absolute' } = requireOptions('initialize', 'options', options, ['seed', 'truncation']);
  requireOneOf('initialize', 'truncation', truncation, ['absolute', 'two-sigma']);
  const { dims, in_chans, num_classes, act_num, form } = checkConfig(config);
  const cut = truncation === 'absolute' ? { a: -2, b: 2 } : { a: -0.04, b: 0.04 };
  const state = new Map<string, Tensor>();
  let stream = 0;
  const kernel = (name: string, shape: readonly number[]): void => {
    state.set(`${name}.weight`, truncatedNormal(shape, seed, stream++, { std: 0.02, ...cut }));
  };
  const conv = (name: string, out: number, inner: number, size: number): void => {
    kernel(name, [out, inner, size, size]);
    state.set(`${name}.bias`, zeros([out]));
  };
  const norm = (name: string, channels: number): void => {
    state.set(`${name}.weight`, full([channels], 1));
    state.set(`${name}.bias`, zeros([channels]));
    state.set(`${name}.running_mean`, zeros([channels]));
    state.set(`${name}.running_var`, full([channels], 1));
    state.set(`${name}.num_batches_tracked`, zeros([]));
  };
  const act = (name: string, channels: number): void => {
    kernel(name, [channels, 1, 2 * act_num + 1, 2 * act_num + 1]);
    if (form === 'deploy') state.set(`${name}.bias`, zeros([channels]));
    else norm(`${name}.bn`, channels);
  };

  const last = dims[dims.length - 1];
  if (form === 'deploy') {
    conv('stem.0', dims[0], in_chans, 4);
    act('stem.1', dims[0]);
    config.strides.forEach((_, i) => {
      conv(`stages.${i}.conv`, dims[i + 1], dims[i], 1);
      act(`stages.${i}.act`, dims[i + 1]);
    });
    conv('cls.2', num_classes, last, 1);
    return state;
  }
  conv('stem1.0', dims[0], in_chans, 4);
  norm('stem1.1', dims[0]);
  conv('stem2.0', dims[0], dims[0], 1);
  norm('stem2.1', dims[0]);
  act('stem2.2', dims[0]);
  config.strides.forEach((_, i) => {
    conv(`stages.${i}.conv1.0`, dims[i], dims[i], 1);
    norm(`stages.${i}.conv1.1`, dims[i]);
    conv(`stages.${i}.conv2.0`, dims[i + 1], dims[i], 1);
    norm(`stages.${i}.conv2.1`, dims[i + 1]);
    act(`stages.${i}.act`, dims[i + 1]);
  });
  conv('cls1.2', num_classes, last, 1);
  norm('cls1.3', num_classes);
  conv('cls2.0', num_classes, num_classes, 1);
  return state;
}
