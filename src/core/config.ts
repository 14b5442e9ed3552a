import { ParamError } from './errors.js';

/** The network is trained in the deep form and shipped in the fused one. */
export type Form = 'train' | 'deploy';

/** How images are scaled; the names are Pillow's. */
export const INTERPOLATIONS = ['bicubic', 'bilinear', 'box'] as const;

export type Interpolation = (typeof INTERPOLATIONS)[number];

/** The share of a scaled image that an ImageNet network looks at: 224 of 256 pixels. */
export const CROP_PCT = 0.875;

/** Below this side an image is looked at whole: a border cut off 32 pixels is too much. */
const SMALL_INPUT = 64;

/**
 * A network and how to feed it. The keys are the official code's keyword
 * arguments, so that a configuration file, the metadata of a weight file and this
 * type read the same.
 */
export interface ModelConfig {
  /** Name of the variant the sizes come from; absent for sizes of one's own. */
  readonly variant?: VariantName;
  /** Channels after the stem and after each stage. */
  readonly dims: readonly number[];
  /** Pooling stride of each stage; 1 is no pooling. */
  readonly strides: readonly number[];
  /** Adaptive pooling size of each stage, 0 where the stride decides; null for plain pooling. */
  readonly ada_pool: readonly number[] | null;
  /** The article's ada network keeps the 4x4 stride-4 stem; officially it is stride 3, padding 1. */
  readonly article_stem: boolean;
  readonly in_chans: number;
  readonly num_classes: number;
  /** Half width n of the series activation's (2n+1)x(2n+1) kernel. */
  readonly act_num: number;
  /** Dropout before the classifier. */
  readonly drop_rate: number;
  readonly form: Form;
  /** Negative slope of the deep-training activation, in [0, 1]; null where a file does not say. */
  readonly lambda: number | null;
  /** Input height and width. */
  readonly input_size: readonly [number, number];
  /** Images are scaled to input_size/crop_pct and their middle is cut out; in (0, 1]. */
  readonly crop_pct: number;
  readonly interpolation: Interpolation;
  /** Per-channel mean and standard deviation of the input in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly class_names: readonly string[] | null;
}

interface Variant {
  readonly dims: readonly number[];
  readonly strides: readonly number[];
  readonly ada_pool?: readonly number[];
}

const deep = (d: number, repeats: number): Variant => ({
  dims: [d, d, 2 * d, ...Array<number>(repeats).fill(4 * d), 8 * d, 8 * d],
  strides: [1, 2, 2, ...Array<number>(repeats - 1).fill(1), 2, 1],
});

/** The eleven published networks (arXiv 2305.12972, table 8 and the official code). */
export const VARIANTS = {
  vanillanet_5: { dims: [512, 1024, 2048, 4096], strides: [2, 2, 2] },
  vanillanet_6: { dims: [512, 1024, 2048, 4096, 4096], strides: [2, 2, 2, 1] },
  vanillanet_7: deep(512, 1),
  vanillanet_8: deep(512, 2),
  vanillanet_9: deep(512, 3),
  vanillanet_10: deep(512, 4),
  vanillanet_11: deep(512, 5),
  vanillanet_12: deep(512, 6),
  vanillanet_13: deep(512, 7),
  vanillanet_13_x1_5: deep(768, 7),
  vanillanet_13_x1_5_ada_pool: { ...deep(768, 7), ada_pool: [0, 38, 19, 0, 0, 0, 0, 0, 0, 10, 0] },
} as const satisfies Record<string, Variant>;

export type VariantName = keyof typeof VARIANTS;

export const isVariantName = (name: string): name is VariantName => Object.hasOwn(VARIANTS, name);

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** What came, as JSON where JSON can say it: NaN would be null, which some keys may be. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'number' || typeof value === 'bigint' ? `${value}` : JSON.stringify(value);
}

const refuse = (key: string, expected: string, got: unknown): never => {
  throw new ParamError({ op: `config.${key}`, expected, got: show(got) });
};

const isInterpolation = (v: unknown): v is Interpolation => INTERPOLATIONS.some((name) => name === v);

const isInteger = (v: unknown, min: number): v is number => Number.isSafeInteger(v) && (v as number) >= min;

function integers(key: string, v: unknown, min: number, length?: number): readonly number[] {
  if (!Array.isArray(v) || v.length === 0 || !v.every((e) => isInteger(e, min))) {
    return refuse(key, `a list of integers >= ${min}`, v);
  }
  if (length !== undefined && v.length !== length) {
    return refuse(key, `${length} entries, one for each stage`, v);
  }
  return v;
}

function perChannel(key: string, v: unknown, channels: number, positive: boolean): readonly number[] {
  const fits = (e: unknown): boolean => Number.isFinite(e) && (!positive || (e as number) > 0);
  if (!Array.isArray(v) || v.length !== channels || !v.every(fits)) {
    return refuse(key, `${channels} finite ${positive ? 'positive ' : ''}numbers, one for each channel`, v);
  }
  return v as number[];
}

/** A configuration as it comes in, from a file or a caller: any keys may be missing, and nothing is checked yet. */
export type GivenConfig = { readonly [K in keyof ModelConfig]?: unknown };

/** What a variant's name stands for. */
const SIZES = ['dims', 'strides', 'ada_pool'] as const;

/** Those of which each can be judged without the others. */
const ALONE = [
  'article_stem',
  'in_chans',
  'num_classes',
  'act_num',
  'drop_rate',
  'form',
  'lambda',
  'input_size',
  'crop_pct',
  'interpolation',
] as const satisfies readonly (keyof ModelConfig)[];

const KEYS = [
  'variant',
  ...SIZES,
  ...ALONE,
  'mean',
  'std',
  'class_names',
] as const satisfies readonly (keyof ModelConfig)[];

function checkKeys(given: GivenConfig): void {
  const untyped: unknown = given;
  if (typeof untyped !== 'object' || untyped === null || Array.isArray(untyped)) {
    throw new ParamError({ op: 'config', expected: 'an object', got: JSON.stringify(untyped) });
  }
  for (const key of Object.keys(given)) {
    if (!(KEYS as readonly string[]).includes(key)) {
      refuse(key, `one of the keys ${KEYS.join(', ')}`, 'unknown key');
    }
  }
}

/**
 * Checks a configuration of which a file may say the rest, as far as that does not matter.
 *
 * @throws ParamError as `resolveConfig`
 */
export function checkGivenConfig(given: GivenConfig): void {
  checkKeys(given);
  const told = ALONE.filter((key) => given[key] !== undefined).map((key) => [key, given[key]] as const);
  resolveConfig({ variant: given.variant === undefined ? 'vanillanet_5' : given.variant, ...Object.fromEntries(told) });
}

/**
 * Completes and checks a configuration. Either `variant` or `dims` and `strides`
 * must be there; the rest has the official defaults (3 channels, 1000 classes,
 * act_num 3, no dropout, train form, 224x224, ImageNet mean and deviation, bicubic
 * scaling). `crop_pct` is 0.875, and 1 for inputs of less than 64 pixels a side.
 * λ stays null where it is not given: nobody can guess it.
 *
 * @throws ParamError naming the key, what it may be and what came.
 */
export function resolveConfig(given: GivenConfig): ModelConfig {
  checkKeys(given);
  const { variant } = given;
  if (variant !== undefined && (typeof variant !== 'string' || !isVariantName(variant))) {
    return refuse('variant', `one of ${Object.keys(VARIANTS).join(', ')}`, variant);
  }
  const base: Partial<Variant> = variant === undefined ? {} : VARIANTS[variant];

  const strides = integers('strides', given.strides ?? base.strides, 1);
  const dims = integers('dims', given.dims ?? base.dims, 1);
  if (dims.length !== strides.length + 1) {
    refuse('dims', `${strides.length + 1} entries, one more than strides ${JSON.stringify(strides)}`, dims);
  }
  const ada = given.ada_pool === undefined ? base.ada_pool : given.ada_pool;
  const ada_pool = ada === null || ada === undefined ? null : integers('ada_pool', ada, 0, strides.length);
  const own = { dims, strides, ada_pool };
  const named = variant !== undefined && SIZES.every((key) => base[key]?.join() === own[key]?.join());

  const { article_stem = false, in_chans = 3, num_classes = 1000, act_num = 3, drop_rate = 0 } = given;
  if (typeof article_stem !== 'boolean') return refuse('article_stem', 'true or false', article_stem);
  if (!isInteger(in_chans, 1)) return refuse('in_chans', 'an integer >= 1', in_chans);
  if (!isInteger(num_classes, 1)) return refuse('num_classes', 'an integer >= 1', num_classes);
  if (!isInteger(act_num, 0)) return refuse('act_num', 'an integer >= 0', act_num);
  if (typeof drop_rate !== 'number' || !(drop_rate >= 0 && drop_rate < 1)) {
    return refuse('drop_rate', 'a number in [0, 1)', drop_rate);
  }

  const { form = 'train', lambda = null, input_size = [224, 224], class_names = null } = given;
  if (form !== 'train' && form !== 'deploy') return refuse('form', "'train' or 'deploy'", form);
  if (lambda !== null && (typeof lambda !== 'number' || !(lambda >= 0 && lambda <= 1))) {
    return refuse('lambda', 'a number in [0, 1]', lambda);
  }
  const size = typeof input_size === 'number' ? [input_size, input_size] : input_size;
  if (!Array.isArray(size) || size.length !== 2 || !size.every((e) => isInteger(e, 1))) {
    return refuse('input_size', '[height, width], integers >= 1', input_size);
  }
  const { crop_pct = Math.min(size[0], size[1]) < SMALL_INPUT ? 1 : CROP_PCT, interpolation = 'bicubic' } = given;
  if (typeof crop_pct !== 'number' || !(crop_pct > 0 && crop_pct <= 1)) {
    return refuse('crop_pct', 'a number in (0, 1]', crop_pct);
  }
  if (!isInterpolation(interpolation)) {
    return refuse('interpolation', `one of ${INTERPOLATIONS.join(', ')}`, interpolation);
  }
  if (class_names !== null) {
    const strings = Array.isArray(class_names) && class_names.every((e) => typeof e === 'string');
    if (!strings) return refuse('class_names', 'a list of strings', class_names);
    if (class_names.length !== num_classes) {
      return refuse('class_names', `${num_classes} names, one for each class`, `${class_names.length} names`);
    }
  }

  const rgb = in_chans === 3;
  return {
    ...(named ? { variant } : {}),
    dims,
    strides,
    ada_pool,
    article_stem,
    in_chans,
    num_classes,
    act_num,
    drop_rate,
    form,
    lambda,
    input_size: [size[0], size[1]],
    crop_pct,
    interpolation,
    mean: perChannel('mean', given.mean ?? (rgb ? IMAGENET.mean : Array<number>(in_chans).fill(0)), in_chans, false),
    std: perChannel('std', given.std ?? (rgb ? IMAGENET.std : Array<number>(in_chans).fill(1)), in_chans, true),
    class_names: class_names,
  };
}
