import { ParamError } from './errors.js';
import {
  requireBoolean,
  requireInteger,
  requireList,
  requireOneOf,
  requireOptions,
  requireRange,
  show,
} from './require.js';

/** The sizes of a network, under the names of the official code's arguments. */
export interface Config {
  /** Channels after the stem and after each stage. */
  readonly dims: readonly number[];
  /** Pooling stride of each stage; 1 means no pooling. */
  readonly strides: readonly number[];
  /** Output size of the adaptive pooling of each stage, 0 for a stage with plain pooling; null for plain pooling only. */
  readonly ada_pool: readonly number[] | null;
  /**
   * Whether the stem of an ada_pool network has stride 4 and no padding, as in the article, instead of stride 3
   * and padding 1, as in the official code. The weights are the same, the results are not.
   */
  readonly article_stem: boolean;
  /** Channels of the input image. */
  readonly in_chans: number;
  readonly num_classes: number;
  /** Half width n of the series activation's (2n+1)x(2n+1) kernel. */
  readonly act_num: number;
  /** Rate of the dropout before the classifier, in [0, 1). */
  readonly drop_rate: number;
  /** The deep network for training, or the shallow one that `fuse` makes of it. */
  readonly form: 'train' | 'deploy';
}

const DEFAULTS = {
  ada_pool: null,
  article_stem: false,
  in_chans: 3,
  num_classes: 1000,
  act_num: 3,
  drop_rate: 0,
  form: 'train',
} as const;

const KEYS = ['dims', 'strides', ...Object.keys(DEFAULTS)];

type Sizes = Pick<Config, 'dims' | 'strides'> & Partial<Config>;

const V13_X1_5 = {
  dims: [768, 768, 1536, 3072, 3072, 3072, 3072, 3072, 3072, 3072, 6144, 6144],
  strides: [1, 2, 2, 1, 1, 1, 1, 1, 1, 2, 1],
};

/** The sizes of the eleven networks of the official code. */
export const VARIANTS: Readonly<Record<string, Sizes>> = {
  vanillanet_5: { dims: [512, 1024, 2048, 4096], strides: [2, 2, 2] },
  vanillanet_6: { dims: [512, 1024, 2048, 4096, 4096], strides: [2, 2, 2, 1] },
  vanillanet_7: { dims: [512, 512, 1024, 2048, 4096, 4096], strides: [1, 2, 2, 2, 1] },
  vanillanet_8: { dims: [512, 512, 1024, 2048, 2048, 4096, 4096], strides: [1, 2, 2, 1, 2, 1] },
  vanillanet_9: { dims: [512, 512, 1024, 2048, 2048, 2048, 4096, 4096], strides: [1, 2, 2, 1, 1, 2, 1] },
  vanillanet_10: { dims: [512, 512, 1024, 2048, 2048, 2048, 2048, 4096, 4096], strides: [1, 2, 2, 1, 1, 1, 2, 1] },
  vanillanet_11: {
    dims: [512, 512, 1024, 2048, 2048, 2048, 2048, 2048, 4096, 4096],
    strides: [1, 2, 2, 1, 1, 1, 1, 2, 1],
  },
  vanillanet_12: {
    dims: [512, 512, 1024, 2048, 2048, 2048, 2048, 2048, 2048, 4096, 4096],
    strides: [1, 2, 2, 1, 1, 1, 1, 1, 2, 1],
  },
  vanillanet_13: {
    dims: [512, 512, 1024, 2048, 2048, 2048, 2048, 2048, 2048, 2048, 4096, 4096],
    strides: [1, 2, 2, 1, 1, 1, 1, 1, 1, 2, 1],
  },
  vanillanet_13_x1_5: V13_X1_5,
  vanillanet_13_x1_5_ada_pool: { ...V13_X1_5, ada_pool: [0, 38, 19, 0, 0, 0, 0, 0, 0, 10, 0] },
};

/**
 * Checks a configuration, and adds the official code's defaults for absent fields.
 *
 * @throws ParamError, also for an unknown field
 */
export const config = (sizes: Sizes): Config => checkConfig(requireOptions('config', 'sizes', sizes, KEYS));

/** As `config`, for an object that may have other fields, such as the configuration of a model. @throws ParamError */
export function checkConfig(sizes: Sizes): Config {
  const full: Config = { ...DEFAULTS, ...requireOptions('config', 'sizes', sizes) };
  const { dims, strides, ada_pool } = full;
  requireList('config', 'dims', dims);
  requireList('config', 'strides', strides);
  if (ada_pool !== null) requireList('config', 'ada_pool', ada_pool);
  if (strides.length === 0) throw new ParamError('config', 'at least one stage', 'strides = []');
  if (dims.length !== strides.length + 1) {
    throw new ParamError('config', `dims of ${strides.length + 1} entries, one more than strides`, `${dims.length}`);
  }
  if (ada_pool !== null && ada_pool.length !== strides.length) {
    throw new ParamError('config', `ada_pool of ${strides.length} entries, one for each stage`, `${ada_pool.length}`);
  }
  // `forEach` would pass over holes.
  for (const [i, d] of dims.entries()) requireInteger('config', `dims[${i}]`, d, 1);
  for (const [i, s] of strides.entries()) requireInteger('config', `strides[${i}]`, s, 1);
  for (const [i, s] of (ada_pool ?? []).entries()) requireInteger('config', `ada_pool[${i}]`, s, 0);
  requireInteger('config', 'in_chans', full.in_chans, 1);
  requireInteger('config', 'num_classes', full.num_classes, 1);
  requireInteger('config', 'act_num', full.act_num, 0);
  requireRange('config', 'drop_rate', full.drop_rate, 0, 1, true);
  requireBoolean('config', 'article_stem', full.article_stem);
  requireOneOf('config', 'form', full.form, ['train', 'deploy']);
  return full;
}

/**
 * The configuration of a published network, for example `variant('vanillanet_5', { num_classes: 10 })`.
 *
 * @throws ParamError
 */
export function variant(name: string, overrides: Partial<Config> = {}): Config {
  if (typeof name !== 'string' || !Object.hasOwn(VARIANTS, name)) {
    throw new ParamError(
      'variant',
      `one of ${Object.keys(VARIANTS).join(', ')}`,
      show(name),
      'For other sizes, call config.',
    );
  }
  return config({ ...VARIANTS[name], ...requireOptions('variant', 'overrides', overrides, KEYS) });
}
