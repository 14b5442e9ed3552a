/** Merges flags, a file and a preset into one recipe and one network. Flags override the file, and the file the preset. */
import { Option, type Command } from 'commander';
import { checkKeys, checkOneOf } from '../core/check.js';
import { checkVariantName, INTERPOLATIONS, type Interpolation, type ModelConfigInput } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { OPTIMIZERS } from '../core/optimizer.js';
import { RUNNING_VARS } from '../core/trainingRules.js';
import { ALPHA } from '../data/loader/loaderOptions.js';
import { CIFAR10, officialRecipe, PRESETS, type Preset } from '../train/presets.js';
import { TRUNCATIONS } from '../train/initialState.js';
import { DEFAULT_RECIPE, type Recipe } from '../train/recipe.js';
import { FILE_KEYS, recipeFromFile } from '../train/recipeFile.js';
import { integer, integers, number, numberIn, numbers, parts, size, variantName, zeroOr } from './arguments.js';
import { augmentOf, type AugmentFlags } from './augmentFlags.js';
import { omitUndefined } from './omitUndefined.js';
import { readJsonObject } from './jsonFile.js';

/** Keys of a configuration that a file may set. The others follow from the data. */
export const NETWORK_KEYS = [
  'variant',
  'dims',
  'strides',
  'ada_pool',
  'article_stem',
  'in_chans',
  'act_num',
  'drop_rate',
  'input_size',
  'crop_pct',
  'interpolation',
  'mean',
  'std',
] as const;

export type NetworkKey = (typeof NETWORK_KEYS)[number];

/** The values of the flags that are present. */
export interface RecipeFlags extends Partial<Omit<Recipe, 'augment' | 'betas'>>, AugmentFlags {
  readonly preset?: Preset;
  readonly config?: string;
  readonly variant?: string;
  readonly dims?: readonly number[];
  readonly strides?: readonly number[];
  readonly adaPool?: readonly number[];
  readonly articleStem?: boolean;
  readonly inChans?: number;
  readonly actNum?: number;
  readonly dropRate?: number;
  readonly size?: readonly [number, number];
  readonly cropPct?: number;
  readonly interpolation?: Interpolation;
  readonly betas?: readonly number[];
}

export interface Plan {
  /** What the user should know about the plan: a line each. */
  readonly notes: readonly string[];
  /** Values of the recipe that flags or the file set. The others may be adapted to the data and the machine. */
  readonly explicit: ReadonlySet<string>;
  readonly recipe: Partial<Recipe>;
  readonly network: ModelConfigInput;
  /** The keys of the network that flags or the file set. */
  readonly stated: ModelConfigInput;
}

const SMALL = { dims: [16, 32, 64], strides: [2, 2], input_size: 32, ...CIFAR10 };

async function readPlan(path: string): Promise<Readonly<Record<string, unknown>>> {
  const plan = await readJsonObject(path);
  // A run writes `run` beside its recipe: what it was trained on. It is not an option.
  const { run: _, ...options } = plan;
  checkKeys(options, ['preset', ...FILE_KEYS.keys(), ...NETWORK_KEYS], (key) => `${path}: ${key}`);
  return plan;
}

/** The epochs of the λ schedule and of the warm-up, scaled with the number of all epochs. */
function scaleEpochs(
  from: Recipe,
  epochs: number,
  lambdaPer: Recipe['lambdaPer'],
): Pick<Recipe, 'decayEpochs' | 'warmupEpochs'> {
  const share = epochs / from.epochs;
  const decayEpochs = from.decayEpochs * share;
  return {
    // If λ moves once an epoch, it must reach 1 by the last one.
    decayEpochs: lambdaPer === 'epoch' ? Math.min(Math.round(decayEpochs), epochs - 1) : decayEpochs,
    warmupEpochs: from.warmupEpochs * share,
  };
}

/**
 * @param below what flags override if they name no file and no preset
 * @param network replaces that of the preset or of `below`
 * @throws ParamError for an invalid file, an unknown preset or an unknown key
 */
export async function resolvePlan(
  flags: RecipeFlags,
  below: Base = DEFAULT_BASE,
  network?: ModelConfigInput,
): Promise<Plan> {
  const file = flags.config === undefined ? {} : await readPlan(flags.config);
  const preset = flags.preset ?? file['preset'];
  const lowest = flags.config === undefined ? below : DEFAULT_BASE;
  const base = preset === undefined ? lowest : presetOf(preset, flags.variant ?? file['variant']);
  const recipe = mergeRecipe(flags, file, base.recipe);
  refuseUnused(flags, { ...DEFAULT_RECIPE, ...recipe });
  return {
    recipe,
    network: mergeNetwork(flags, file, network ?? base.config),
    stated: mergeNetwork(flags, file, {}),
    notes: base.notes ?? [],
    explicit: explicitValues(flags, file),
  };
}

/** Flags that change nothing without others. A file may have all values. */
const CONDITIONS: readonly (readonly [
  flag: keyof RecipeFlags,
  isUsed: (recipe: Recipe) => boolean,
  expected: string,
  got: (recipe: Recipe) => string,
])[] = [
  ['momentum', ({ optimizer }) => optimizer === 'sgd', '--optimizer sgd', ({ optimizer }) => optimizer],
  ['nesterov', ({ optimizer }) => optimizer === 'sgd', '--optimizer sgd', ({ optimizer }) => optimizer],
  ['betas', ({ optimizer }) => optimizer !== 'sgd', '--optimizer adam, adamw or lamb', () => 'sgd'],
  ['eps', ({ optimizer }) => optimizer !== 'sgd', '--optimizer adam, adamw or lamb', () => 'sgd'],
  ['warmupLr', ({ warmupEpochs }) => warmupEpochs > 0, '--warmup-epochs above 0', () => '0'],
  ['mixupProb', ({ mixup, cutmix }) => mixup > 0 || cutmix > 0, '--mixup or --cutmix above 0', () => 'neither'],
  [
    'mixupSwitchProb',
    ({ mixup, cutmix }) => mixup > 0 && cutmix > 0,
    '--mixup and --cutmix above 0',
    ({ mixup, cutmix }) => (mixup > 0 || cutmix > 0 ? 'one of them' : 'neither'),
  ],
];

/** @throws ParamError for a flag without effect */
function refuseUnused(flags: RecipeFlags, recipe: Recipe): void {
  for (const [name, isUsed, expected, got] of CONDITIONS) {
    if (flags[name] === undefined || flags[name] === false || isUsed(recipe)) continue;
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const hint = `Omit ${flag}, which has no effect, or add ${expected}.`;
    throw new ParamError({ op: flag, expected, got: got(recipe), hint });
  }
}

/** The values of the recipe that flags or the file set. */
function explicitValues(flags: RecipeFlags, file: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const names = [...FILE_KEYS]
    .filter(([key, name]) => key in file || flags[name] !== undefined)
    .map(([, name]) => name);
  return new Set(names);
}

/** Network and recipe that flags and file override. */
export interface Base {
  readonly config: ModelConfigInput;
  readonly recipe: Recipe;
  readonly notes?: readonly string[];
}

const DEFAULT_BASE: Base = { config: SMALL, recipe: DEFAULT_RECIPE };

/** @param variant of flag or file, not checked yet @throws ParamError for an unknown name */
function presetOf(name: unknown, variant: unknown): Base {
  const preset = checkOneOf('preset', name, Object.keys(PRESETS) as Preset[]);
  return preset === 'official' && variant !== undefined ? officialBase(variant) : PRESETS[preset];
}

/** The preset `official` with the published recipe of a variant, or with the nearest one. */
function officialBase(value: unknown): Base {
  const variant = checkVariantName('variant', value);
  const { recipe, source } = officialRecipe(variant);
  const note = `recipe none was published for ${variant}: using that of ${source}`;
  return { config: { ...PRESETS.official.config, variant }, recipe, notes: source === variant ? [] : [note] };
}

function mergeRecipe(flags: RecipeFlags, file: Readonly<Record<string, unknown>>, base: Recipe): Partial<Recipe> {
  const fromFile = recipeFromFile(flags.config ?? 'recipe', file);
  const { augment: _, ...plain } = DEFAULT_RECIPE;
  const names = Object.keys(plain) as (keyof typeof plain)[];
  const fromFlags = omitUndefined(Object.fromEntries(names.map((name) => [name, flags[name]]))) as Partial<Recipe>;
  const epochs = fromFlags.epochs ?? fromFile.epochs;
  const lambdaPer = fromFlags.lambdaPer ?? fromFile.lambdaPer ?? base.lambdaPer;
  const augment = augmentOf(flags, fromFile.augment ?? base.augment);
  return {
    ...base,
    ...(typeof epochs === 'number' ? scaleEpochs(base, epochs, lambdaPer) : {}),
    ...fromFile,
    ...fromFlags,
    augment,
  };
}

function mergeNetwork(
  flags: RecipeFlags,
  file: Readonly<Record<string, unknown>>,
  base: ModelConfigInput,
): ModelConfigInput {
  const fromFile = Object.fromEntries(NETWORK_KEYS.flatMap((key) => (key in file ? [[key, file[key]]] : [])));
  const { variant, dims, strides, adaPool: ada_pool, actNum: act_num, dropRate: drop_rate, size: input_size } = flags;
  const { articleStem: article_stem, inChans: in_chans, cropPct: crop_pct, interpolation } = flags;
  const fromFlags = omitUndefined({
    ...{ variant, dims, strides, ada_pool, article_stem, in_chans, act_num, drop_rate },
    ...{ input_size, crop_pct, interpolation },
  });
  // A variant and `dims` exclude each other: the later layer replaces the earlier.
  const layers: ModelConfigInput[] = [withChannels(base, in_chans ?? fromFile['in_chans']), fromFile, fromFlags];
  return layers.reduce<Record<string, unknown>>((below, above) => {
    const rest = { ...below };
    if ('variant' in above) for (const key of ['dims', 'strides', 'ada_pool']) Reflect.deleteProperty(rest, key);
    else if ('dims' in above) Reflect.deleteProperty(rest, 'variant');
    return { ...rest, ...above };
  }, {});
}

/** What red, green and blue contribute to grayscale (ITU-R 601). */
const LUMA = [0.299, 0.587, 0.114];

const weighted = (values: unknown): unknown =>
  Array.isArray(values) && values.length === LUMA.length
    ? [Number(LUMA.reduce((sum, share, c) => sum + share * (values[c] as number), 0).toFixed(4))]
    : values;

/**
 * The network of a preset with the mean and deviation of grayscale images, if it is to have one input channel: the mean
 * is exact, and the deviation a little too large, because colors vary together.
 */
const withChannels = ({ mean, std, ...network }: ModelConfigInput, channels: unknown): ModelConfigInput =>
  mean === undefined && std === undefined
    ? network
    : channels === 1
      ? { ...network, mean: weighted(mean), std: weighted(std) }
      : { ...network, mean, std };

const choice = (flags: string, text: string, choices: readonly string[]): Option =>
  new Option(flags, text).choices(choices);

/** From 0 to less than 1. */
const SHARE = { min: 0, below: 1 };

/** Adds a flag for every value of the recipe and the network. Defaults are in the texts, because a file or preset may set them. */
export const withRecipe = (command: Command): Command =>
  command
    .addOption(choice('--preset <name>', 'base recipe', Object.keys(PRESETS)))
    .option('-c, --config <file>', 'recipe and network as JSON, such as the config.json of a run')
    .optionsGroup('Network:')
    .option('--variant <name>', 'published network, such as vanillanet_5', variantName)
    .option('--dims <list>', 'channels of stem and stages (default: 16,32,64)', integers(1))
    .option('--strides <list>', 'pooling stride of each stage (default: 2,2)', integers(1))
    .option('--ada-pool <list>', 'adaptive pooling size of each stage, 0 for none', integers(0))
    .option('--article-stem', "with --ada-pool: the article's stem, stride 4 without padding")
    .option('--no-article-stem', 'the official stem, stride 3 and padding 1 (default)')
    .option('--in-chans <n>', 'input channels: 3, or 1 for grayscale (default: 3)', integer(1))
    .option('--act-num <n>', 'half width n of the series activation (default: 3)', integer(0))
    .option('--drop-rate <p>', 'dropout before the classifier (default: 0)', numberIn(SHARE))
    .option('-s, --size <size>', 'input size, such as 32 or 224x160 (default: 32)', size)
    .option(
      '--crop-pct <p>',
      'share of a scaled image that validation and inference use',
      numberIn({ above: 0, max: 1 }),
    )
    .addOption(choice('--interpolation <kind>', 'how they scale images', INTERPOLATIONS))
    .optionsGroup('Schedule:')
    .option('-e, --epochs <n>', 'epochs (default: 3)', integer(1))
    .option('-b, --batch-size <n>', 'images a step (default: 32)', integer(2))
    .option('--grad-accum-steps <n>', 'micro-batches a step (default: as few as fit into memory)', integer(1))
    .option('--decay-epochs <n>', 'epochs in which lambda rises (default: 2/3 of all; 0 with --init)', number(0))
    .addOption(choice('--lambda-schedule <kind>', 'curve of lambda (default: linear)', ['linear', 'cosine']))
    .addOption(choice('--lambda-per <what>', 'when lambda changes (default: step)', ['step', 'epoch']))
    .option('--fuse-at-decay', 'fuse when lambda reaches 1, then train the fused network')
    .option('--no-fuse-at-decay', 'train the deep network to the end (default)')
    .addOption(choice('--init-truncation <kind>', 'of initial kernels (default: absolute)', TRUNCATIONS))
    .option('--seed <n>', 'seed of all random numbers (default: 0)', integer(0))
    .option('--freeze <list>', 'with --init: parts to keep: backbone, stem, stages, stages.0, head, bn', parts)
    .optionsGroup('Optimizer:')
    .addOption(choice('--optimizer <kind>', 'optimizer (default: adam)', OPTIMIZERS))
    .option('--lr <rate>', 'peak of the cosine learning rate (default: 3e-3)', numberIn({ above: 0 }))
    .option('--min-lr <rate>', 'learning rate at the end (default: 0)', number(0))
    .option('--warmup-epochs <n>', 'epochs of warm-up (default: 0)', number(0))
    .option('--warmup-lr <rate>', 'learning rate of the first step (default: lr / warm-up steps)', number(0))
    .option('--weight-decay <w>', 'weight decay, coupled for adam and sgd (default: 1e-5)', number(0))
    .option('--decay-vectors', 'decay biases and batch norms, too (default)')
    .option('--no-decay-vectors', 'decay neither biases nor batch norms')
    .option('--betas <b1,b2>', 'moment decay of adam, adamw, lamb (default: 0.9,0.999)', numbers(SHARE, [2]))
    .option('--eps <e>', 'epsilon of adam, adamw, lamb (default: 1e-8)', number(0))
    .option('--momentum <m>', 'momentum of sgd (default: 0.9)', numberIn(SHARE))
    .option('--nesterov', 'Nesterov momentum for sgd')
    .option('--no-nesterov', 'plain momentum for sgd (default)')
    .option(
      '--layer-decay <d>',
      'learning-rate factor a layer, from the top (default: 1)',
      numberIn({ above: 0, max: 1 }),
    )
    .option('--head-lr <rate>', 'peak learning rate of a new head (default: --lr)', numberIn({ above: 0 }))
    .addOption(choice('--running-var <kind>', 'of batch norms (default: unbiased)', RUNNING_VARS))
    .option('--ema <d>', 'decay of averaged weights, 0 for none (default: 0)', numberIn(SHARE))
    .optionsGroup('Loss and augmentation:')
    .addOption(choice('--loss <kind>', 'loss function (default: cross-entropy)', ['cross-entropy', 'bce']))
    .option('--smoothing <s>', 'label smoothing (default: 0.1)', numberIn(SHARE))
    .option('--mixup <alpha>', 'mixup, 0 for none (default: 0)', zeroOr(ALPHA))
    .option('--cutmix <alpha>', 'CutMix, 0 for none (default: 0)', zeroOr(ALPHA))
    .option('--mixup-prob <p>', 'probability of mixing a batch (default: 1)', number(0, 1))
    .option('--mixup-switch-prob <p>', 'probability of CutMix if both are on (default: 0.5)', number(0, 1))
    .option('--random-crop <padding>', 'random crop after padding by this many pixels', integer(0))
    .option(
      '--random-resized-crop <low,high>',
      'random crop of this share of the area',
      numbers({ above: 0, max: 1 }, [1, 2]),
    )
    .addOption(
      choice('--crop-interpolation <kind>', 'for crops (default: bilinear)', ['bilinear', 'bicubic', 'random']),
    )
    .option('--flip <p>', 'probability of a horizontal flip', number(0, 1))
    .option('--rotation <degrees>', 'rotate by at most this angle', number(0))
    .option('--color-jitter <b,c,s,h>', 'brightness, contrast, saturation, hue', numbers({ min: 0 }, [1, 4]))
    .option('--rand-augment <magnitude>', 'RandAugment with this magnitude', number(0))
    .option('--random-erasing <p>', 'probability of erasing a rectangle', number(0, 1))
    .option('--no-augment', 'drop the augmentation of preset and file');
