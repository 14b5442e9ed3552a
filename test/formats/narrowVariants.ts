/** The published networks with few channels, for images as small as each allows. */
import { resolveConfig, VARIANTS, type Form, type ModelConfig } from '../../src/core/config.js';

/** The channels of the published networks are divided by this. */
const DIVISOR = 256;
/** The sides of images. With adaptive pools, each stage must have at least as many pixels as it is pooled to. */
const [PLAIN, ADAPTIVE] = [
  [32, 40],
  [115, 120],
];

export function narrowVariant(variant: keyof typeof VARIANTS, form: Form): ModelConfig {
  const { dims, strides, ...rest } = VARIANTS[variant];
  const isAdaptive = 'ada_pool' in rest;
  return resolveConfig({
    dims: dims.map((channels) => channels / DIVISOR),
    strides,
    ada_pool: isAdaptive ? rest.ada_pool : null,
    ...{ num_classes: 5, act_num: 1, form, lambda: form === 'train' ? 0.3 : 1 },
    input_size: isAdaptive ? ADAPTIVE : PLAIN,
  });
}
