import {
  checkBoolean,
  checkInteger,
  checkKeys,
  checkNumber,
  checkOneOf,
  isInteger,
  show,
  type Range,
} from './check.js';
import { ParamError } from './errors.js';

export const FORMS = ['train', 'deploy'] as const;

/** The network is trained in the train form and fused into the deploy form. */
export type Form = (typeof FORMS)[number];

/** Filters that resize images, by their names in Pillow. */
export const INTERPOLATIONS = ['bicubic', 'bilinear', 'box'] as const;

export type Interpolation = (typeof INTERPOLATIONS)[number];

/** Default of `crop_pct`, as for ImageNet: 224 of 256 pixels. */
export const CROP_PCT = 0.875;

/** Below this side the default of `crop_pct` is 1: small images lose too much at a cut border. */
const SMALL_INPUT = 64;

/**
 * A network and how its input is prepared. The keys are the keyword arguments of the official
 * code; configuration files and the metadata of weight files use the same.
 */
export interface ModelConfig {
  /** Name of the published variant with these dims, strides and ada_pool; absent for other sizes. */
  readonly variant?: VariantName;
  /** Channels after the stem and after each stage. */
  readonly dims: readonly number[];
  /** Pooling stride of each stage; 1 is no pooling. */
  readonly strides: readonly number[];
  /** Adaptive pooling size of each stage, or 0 to pool by the stride; null for pooling by strides only. */
  readonly ada_pool: readonly number[] | null;
  /** Whether a network with `ada_pool` has the article's stem (stride 4) instead of the official one (stride 3, padding 1). */
  readonly article_stem: boolean;
  /** Channels of the input. */
  readonly in_chans: number;
  readonly num_classes: number;
  /** Half width n of the series activation's (2n+1)x(2n+1) kernel. */
  readonly act_num: number;
  /** Dropout probability before the classifier, in [0, 1). */
  readonly drop_rate: number;
  readonly form: Form;
  /** λ, the negative slope of the deep-training activation, in [0, 1]; null if unknown. */
  readonly lambda: number | null;
  /** Input height and width. */
  readonly input_size: readonly [number, number];
  /** Images are resized to input_size/crop_pct and center-cropped to input_size; in (0, 1]. */
  readonly crop_pct: number;
  /** Filter that resizes images. */
  readonly interpolation: Interpolation;
  /** Mean and standard deviation of each channel, of pixel values in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** A name for each class, in the order of the logits. */
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

/** Sizes of the eleven published networks (arXiv 2305.12972, table 8, and the official code). */
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

/** @param op the option, for the error @throws ParamError */
export const checkVariantName = (op: string, name: unknown): VariantName =>
  checkOneOf(op, name, Object.keys(VARIANTS) as VariantName[]);

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** A configuration before it is checked, from a file or a caller; every key is optional. */
export type ModelConfigInput = { readonly [K in keyof ModelConfig]?: unknown };

/**
 * The largest values. No network that fits into memory has larger ones, and whatever is allocated by a configuration,
 * such as `mean` by `in_chans`, remains small until its weights are there.
 */
const MAX = { stages: 1000, channels: 2 ** 20, in_chans: 2 ** 16, num_classes: 2 ** 24, act_num: 100, side: 2 ** 16 };

const opOf = (key: string): string => `config.${key}`;

const refuse = (key: string, expected: string, value: unknown, hint?: string): never => {
  throw new ParamError({ op: opOf(key), expected, got: show(value), hint });
};

/** A key that can be checked without the others: its default, and its check. */
interface Rule<T> {
  readonly initial: T;
  check(op: string, value: unknown): T;
}

const integer = (initial: number, range: Range): Rule<number> => ({
  initial,
  check: (op, value) => checkInteger(op, value, range),
});

const number = (initial: number, range: Range): Rule<number> => ({
  initial,
  check: (op, value) => checkNumber(op, value, range),
});

const oneOf = <T extends string>(initial: T, names: readonly T[]): Rule<T> => ({
  initial,
  check: (op, value) => checkOneOf(op, value, names),
});

/** One number means a square. */
function checkSize(op: string, value: unknown): readonly [number, number] {
  const size: unknown = typeof value === 'number' ? [value, value] : value;
  const isSize = (v: unknown): v is [number, number] =>
    Array.isArray(v) && v.length === 2 && v.every((side) => isInteger(side, { min: 1, max: MAX.side }));
  if (isSize(size)) return [size[0], size[1]];
  throw new ParamError({ op, expected: `[height, width], integers in [1, ${MAX.side}]`, got: show(value) });
}

type RuleKey =
  | 'article_stem'
  | 'in_chans'
  | 'num_classes'
  | 'act_num'
  | 'drop_rate'
  | 'form'
  | 'lambda'
  | 'input_size'
  | 'crop_pct'
  | 'interpolation';

const RULES: { readonly [K in RuleKey]: Rule<ModelConfig[K]> } = {
  article_stem: { initial: false, check: checkBoolean },
  in_chans: integer(3, { min: 1, max: MAX.in_chans }),
  num_classes: integer(1000, { min: 1, max: MAX.num_classes }),
  act_num: integer(3, { min: 0, max: MAX.act_num }),
  drop_rate: number(0, { min: 0, below: 1 }),
  form: oneOf('train', FORMS),
  lambda: {
    initial: null,
    check: (op, value) => (value === null ? null : checkNumber(op, value, { min: 0, max: 1 })),
  },
  input_size: { initial: [224, 224], check: checkSize },
  crop_pct: number(CROP_PCT, { above: 0, max: 1 }),
  interpolation: oneOf('bicubic', INTERPOLATIONS),
};

const RULE_KEYS = Object.keys(RULES) as RuleKey[];

/** The keys that the name of a variant determines. */
const SIZES = ['dims', 'strides', 'ada_pool'] as const;

/** The keys of a configuration. */
export const CONFIG_KEYS: readonly string[] = ['variant', ...SIZES, ...RULE_KEYS, 'mean', 'std', 'class_names'];

/** @throws ParamError for anything but an object of these keys */
export function checkConfigKeys(input: ModelConfigInput): void {
  // A caller without types may pass anything.
  const value: unknown = input;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ParamError({ op: 'config', expected: 'an object', got: show(value) });
  }
  checkKeys(value, CONFIG_KEYS, opOf);
}

/** The checked value of a key, or its default. */
function valueFor<K extends RuleKey>(input: ModelConfigInput, key: K): ModelConfig[K] {
  return input[key] === undefined ? RULES[key].initial : RULES[key].check(opOf(key), input[key]);
}

const variantOf = ({ variant }: ModelConfigInput): VariantName | undefined =>
  variant === undefined ? undefined : checkVariantName(opOf('variant'), variant);

/** A list of integers in [min, max] for the stages; that of `dims` is one longer. */
function integers(
  key: string,
  value: unknown,
  [min, max]: readonly [number, number],
  hint?: string,
): readonly number[] {
  const isList = (v: unknown): v is number[] =>
    Array.isArray(v) && v.length > 0 && v.length <= MAX.stages + 1 && v.every((each) => isInteger(each, { min, max }));
  if (isList(value)) return value;
  return refuse(key, `a list of at most ${MAX.stages + 1} integers in [${min}, ${max}]`, value, hint);
}

function sizesOf(input: ModelConfigInput, variant: VariantName | undefined): Pick<ModelConfig, (typeof SIZES)[number]> {
  const base: Partial<Variant> = variant === undefined ? {} : VARIANTS[variant];
  const hint = 'Pass a variant, or dims and strides.';
  const strides = integers('strides', input.strides ?? base.strides, [1, MAX.side], hint);
  const dims = integers('dims', input.dims ?? base.dims, [1, MAX.channels], hint);
  if (dims.length !== strides.length + 1) {
    refuse('dims', `${strides.length + 1} entries, one more than strides ${JSON.stringify(strides)}`, dims);
  }
  const ada = input.ada_pool === undefined ? base.ada_pool : input.ada_pool;
  if (ada === null || ada === undefined) return { dims, strides, ada_pool: null };
  const ada_pool = integers('ada_pool', ada, [0, MAX.side]);
  if (ada_pool.length !== strides.length) refuse('ada_pool', `${strides.length} entries, one for each stage`, ada);
  return { dims, strides, ada_pool };
}

/** Whether the sizes are those of the variant. */
function hasSizesOf(variant: VariantName, sizes: Pick<ModelConfig, (typeof SIZES)[number]>): boolean {
  const base: Variant = VARIANTS[variant];
  return SIZES.every((key) => base[key]?.join() === sizes[key]?.join());
}

function perChannel(key: 'mean' | 'std', value: unknown, channels: number): readonly number[] {
  const isNumber = (v: unknown): boolean => Number.isFinite(v) && (key === 'mean' || (v as number) > 0);
  const isList = (v: unknown): v is number[] => Array.isArray(v) && v.length === channels && v.every(isNumber);
  const kind = key === 'mean' ? 'finite numbers' : 'finite positive numbers';
  return isList(value) ? value : refuse(key, `${channels} ${kind}, one for each channel`, value);
}

/** @throws ParamError if the value of a pixel would overflow in float32 */
function checkNormalization(mean: readonly number[], std: readonly number[]): void {
  const overflows = std.findIndex((s, c) => ![0, 1].every((v) => Number.isFinite(Math.fround((v - mean[c]) / s))));
  if (overflows < 0) return;
  const got = `${std[overflows]} with mean ${mean[overflows]}`;
  throw new ParamError({ op: opOf('std'), expected: 'deviations by which pixels stay finite in float32', got });
}

function classNamesOf({ class_names }: ModelConfigInput, classes: number): readonly string[] | null {
  if (class_names === undefined || class_names === null) return null;
  if (!Array.isArray(class_names)) return refuse('class_names', 'a list of strings', class_names);
  if (class_names.length !== classes) {
    const expected = `${classes} names, one for each class`;
    throw new ParamError({ op: opOf('class_names'), expected, got: `${class_names.length} names` });
  }
  const isList = (v: unknown[]): v is string[] => v.every((each) => typeof each === 'string');
  return isList(class_names) ? class_names : refuse('class_names', 'a list of strings', class_names);
}

/**
 * Checks the keys of a configuration that do not depend on others, before the rest is known.
 *
 * @throws ParamError as `resolveConfig`
 */
export function checkConfigInput(input: ModelConfigInput): void {
  checkConfigKeys(input);
  variantOf(input);
  for (const key of RULE_KEYS) valueFor(input, key);
}

/**
 * Checks a configuration and adds the defaults. Either `variant` or `dims` and `strides` are required; the
 * others default to the official values: 3 channels, 1000 classes, act_num 3, no dropout, the train form,
 * input 224x224, ImageNet mean and standard deviation, bicubic. `crop_pct` defaults to 0.875, and to 1 if a
 * side of the input is less than 64. `lambda` defaults to null, because it cannot be derived from the rest.
 *
 * @throws ParamError with the key, the expected and the actual value
 */
export function resolveConfig(input: ModelConfigInput): ModelConfig {
  checkConfigKeys(input);
  const variant = variantOf(input);
  const sizes = sizesOf(input, variant);
  const in_chans = valueFor(input, 'in_chans');
  const num_classes = valueFor(input, 'num_classes');
  const input_size = valueFor(input, 'input_size');
  const isSmall = input.crop_pct === undefined && Math.min(...input_size) < SMALL_INPUT;
  const defaults =
    in_chans === 3 ? IMAGENET : { mean: Array<number>(in_chans).fill(0), std: Array<number>(in_chans).fill(1) };
  const mean = perChannel('mean', input.mean ?? defaults.mean, in_chans);
  const std = perChannel('std', input.std ?? defaults.std, in_chans);
  checkNormalization(mean, std);
  return {
    ...(variant !== undefined && hasSizesOf(variant, sizes) ? { variant } : {}),
    ...sizes,
    article_stem: valueFor(input, 'article_stem'),
    in_chans,
    num_classes,
    act_num: valueFor(input, 'act_num'),
    drop_rate: valueFor(input, 'drop_rate'),
    form: valueFor(input, 'form'),
    lambda: valueFor(input, 'lambda'),
    input_size,
    crop_pct: isSmall ? 1 : valueFor(input, 'crop_pct'),
    interpolation: valueFor(input, 'interpolation'),
    mean,
    std,
    class_names: classNamesOf(input, num_classes),
  };
}
