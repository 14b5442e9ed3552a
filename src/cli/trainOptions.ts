/** Flags, a file and a preset into one recipe and one network: the nearer to the user, the stronger. */
import { Option, type Command } from 'commander';
import type { ModelConfigInput } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { OPTIMIZERS } from '../core/optimizer.js';
import { CIFAR10, PRESETS, type Preset } from '../train/presets.js';
import { DEFAULT_RECIPE, type Recipe } from '../train/recipe.js';
import { FILE_KEYS, recipeFromFile, refuseKey } from '../train/recipeFile.js';
import { integer, integers, number, numbers, size } from './arguments.js';
import { augmentOf, type AugmentFlags } from './augmentFlags.js';
import { omitUndefined } from './omitUndefined.js';
import { readJsonObject } from './jsonFile.js';

/** Keys of a configuration that a file may set; the rest follows from the data. */
const NETWORK_KEYS = [
  'variant',
  'dims',
  'strides',
  'ada_pool',
  'act_num',
  'drop_rate',
  'input_size',
  'mean',
  'std',
] as const;

/** The values of flags, absent where a flag is. */
export interface RecipeFlags extends Partial<Omit<Recipe, 'augment' | 'betas'>>, AugmentFlags {
  readonly preset?: Preset;
  readonly config?: string;
  readonly variant?: string;
  readonly dims?: readonly number[];
  readonly strides?: readonly number[];
  readonly adaPool?: readonly number[];
  readonly actNum?: number;
  readonly dropRate?: number;
  readonly size?: readonly [number, number];
  readonly betas?: readonly number[];
}

export interface Plan {
  readonly recipe: Partial<Recipe>;
  readonly network: ModelConfigInput;
}

const SMALL = { dims: [16, 32, 64], strides: [2, 2], input_size: 32, ...CIFAR10 };

async function readPlan(path: string): Promise<Readonly<Record<string, unknown>>> {
  const plan = await readJsonObject(path);
  const known = ['preset', ...FILE_KEYS.keys(), ...NETWORK_KEYS];
  // What a run writes beside its recipe says what it met, and is no wish.
  const unknown = Object.keys(plan).find((key) => key !== 'run' && !known.includes(key));
  if (unknown !== undefined) refuseKey(`${path}: ${unknown}`, unknown, known);
  return plan;
}

/** Epochs of λ and of the warm-up go with those of the whole, where only those are said. */
function scaled(
  from: Recipe,
  epochs: number,
  lambdaPer: Recipe['lambdaPer'],
): Pick<Recipe, 'decayEpochs' | 'warmupEpochs'> {
  const share = epochs / from.epochs;
  const decayEpochs = from.decayEpochs * share;
  return {
    // Where λ moves once an epoch it has to be at 1 in the last, even if that is the first.
    decayEpochs: lambdaPer === 'epoch' ? Math.min(Math.round(decayEpochs), epochs - 1) : decayEpochs,
    warmupEpochs: from.warmupEpochs * share,
  };
}

/** @throws ParamError for a file that is none, or an unknown preset or key in it */
export async function planOf(flags: RecipeFlags): Promise<Plan> {
  const file = flags.config === undefined ? {} : await readPlan(flags.config);
  const preset: unknown = flags.preset ?? file['preset'];
  if (preset !== undefined && !(typeof preset === 'string' && Object.hasOwn(PRESETS, preset))) {
    throw new ParamError({ op: 'preset', expected: Object.keys(PRESETS).join(', '), got: JSON.stringify(preset) });
  }
  const base: { config: ModelConfigInput; recipe: Recipe } =
    preset === undefined ? { config: SMALL, recipe: DEFAULT_RECIPE } : PRESETS[preset as Preset];

  const fromFile = recipeFromFile(flags.config ?? 'recipe', file);
  const { augment: _, ...plain } = DEFAULT_RECIPE;
  const names = Object.keys(plain) as (keyof typeof plain)[];
  const fromFlags = omitUndefined(Object.fromEntries(names.map((name) => [name, flags[name]]))) as Partial<Recipe>;
  const epochs = fromFlags.epochs ?? fromFile.epochs;
  const lambdaPer = fromFlags.lambdaPer ?? fromFile.lambdaPer ?? base.recipe.lambdaPer;
  const augment = augmentOf(flags, fromFile.augment ?? base.recipe.augment);
  const recipe = {
    ...base.recipe,
    ...(typeof epochs === 'number' ? scaled(base.recipe, epochs, lambdaPer) : {}),
    ...fromFile,
    ...fromFlags,
    augment,
  };

  const fromFileNetwork = Object.fromEntries(NETWORK_KEYS.flatMap((key) => (key in file ? [[key, file[key]]] : [])));
  const { variant, dims, strides, adaPool: ada_pool, actNum: act_num, dropRate: drop_rate, size: input_size } = flags;
  const network = omitUndefined({ variant, dims, strides, ada_pool, act_num, drop_rate, input_size });
  // A variant and sizes of one's own exclude each other: the nearer one counts.
  const layers: ModelConfigInput[] = [base.config, fromFileNetwork, network];
  const merged = layers.reduce<Record<string, unknown>>((below, above) => {
    const kept = { ...below };
    if ('variant' in above) for (const key of ['dims', 'strides', 'ada_pool']) Reflect.deleteProperty(kept, key);
    else if ('dims' in above) Reflect.deleteProperty(kept, 'variant');
    return { ...kept, ...above };
  }, {});
  return { recipe, network: merged };
}

const choice = (flags: string, text: string, choices: readonly string[]): Option =>
  new Option(flags, text).choices(choices);

/** Every value of recipe and network as a flag. */
export const withRecipe = (command: Command): Command =>
  command
    .addOption(choice('--preset <name>', 'a whole recipe to start from', Object.keys(PRESETS)))
    .option('-c, --config <file>', 'a recipe as JSON, such as a run writes: batch_size for --batch-size, and so on')
    .optionsGroup('Network:')
    .option('--variant <name>', 'a published network, such as vanillanet_5')
    .option('--dims <list>', 'channels after the stem and each stage (16,32,64)', integers(1))
    .option('--strides <list>', 'pooling stride of each stage (2,2)', integers(1))
    .option('--ada-pool <list>', 'adaptive pooling size of each stage, 0 for its stride', integers(0))
    .option('--act-num <n>', 'half width of the series activation (3)', integer(0))
    .option('--drop-rate <p>', 'dropout before the classifier (0)', number(0, 1))
    .option('-s, --size <size>', 'input size (32)', size)
    .optionsGroup('Schedule:')
    .option('-e, --epochs <n>', 'epochs (3)', integer(1))
    .option('-b, --batch-size <n>', 'images a step (32)', integer(2))
    .option(
      '--grad-accum-steps <n>',
      'parts of a batch that are passed one after the other, in less memory (1)',
      integer(1),
    )
    .option('--decay-epochs <n>', 'epochs over which lambda rises (two thirds of all)', number(0))
    .addOption(choice('--lambda-schedule <kind>', 'how lambda rises (linear)', ['linear', 'cosine']))
    .addOption(choice('--lambda-per <what>', 'when lambda moves (step)', ['step', 'epoch']))
    .option('--fuse-at-decay', 'fuse where lambda reaches 1, and go on training the fused network')
    .option('--no-fuse-at-decay', 'keep the deep network to the end')
    .option('--seed <n>', 'seed of everything random (0)', integer(0))
    .optionsGroup('Optimizer:')
    .addOption(choice('--optimizer <kind>', 'what moves the weights (adam)', OPTIMIZERS))
    .option('--lr <rate>', 'learning rate, annealed along a cosine (3e-3)', number(0))
    .option('--min-lr <rate>', 'where the cosine ends (0)', number(0))
    .option('--warmup-epochs <n>', 'epochs over which the learning rate rises (0)', number(0))
    .option('--warmup-lr <rate>', 'of the first step of the warm-up (what each of its steps adds)', number(0))
    .option('--weight-decay <w>', 'decay; coupled for adam and sgd (1e-5)', number(0))
    .option('--decay-vectors', 'biases and normalizations decay, too (they do)')
    .option('--no-decay-vectors', 'they do not')
    .option('--betas <b1,b2>', 'decay of the moments of adam, adamw and lamb (0.9,0.999)', numbers(0, 1, [2]))
    .option('--eps <e>', 'what keeps adam, adamw and lamb from dividing by 0 (1e-8)', number(0))
    .option('--momentum <m>', 'of sgd (0.9)', number(0, 1))
    .option('--nesterov', 'sgd looks ahead along its momentum')
    .option('--no-nesterov', 'it does not')
    .option('--layer-decay <d>', 'learning rate of each layer to that of the one above (1)', number(0, 1))
    .option('--ema <d>', 'decay of an average of the weights (0, none)', number(0, 1))
    .optionsGroup('Loss and augmentation:')
    .addOption(choice('--loss <kind>', 'what is made small (cross-entropy)', ['cross-entropy', 'bce']))
    .option('--smoothing <s>', 'label smoothing (0.1)', number(0, 1))
    .option('--mixup <alpha>', 'mixup (0, none)', number(0))
    .option('--cutmix <alpha>', 'CutMix (0, none)', number(0))
    .option('--mixup-prob <p>', 'that a batch is mixed at all (1)', number(0, 1))
    .option('--mixup-switch-prob <p>', 'that it is CutMix, where both are on (0.5)', number(0, 1))
    .option('--random-crop <padding>', 'crop at random after padding', integer(0))
    .option(
      '--random-resized-crop <low,high>',
      'crop a share of the area at random and scale it',
      numbers(0, 1, [1, 2]),
    )
    .addOption(
      choice('--crop-interpolation <kind>', 'of --random-resized-crop (bilinear)', ['bilinear', 'bicubic', 'random']),
    )
    .option('--flip <p>', 'mirror with this probability', number(0, 1))
    .option('--rotation <degrees>', 'turn by up to so much', number(0))
    .option('--color-jitter <b,c,s,h>', 'brightness, contrast, saturation and hue', numbers(0, Infinity, [1, 4]))
    .option('--rand-augment <magnitude>', 'RandAugment', number(0))
    .option('--random-erasing <p>', 'erase a rectangle with this probability', number(0, 1))
    .option('--no-augment', "none of the preset's or the file's augmentation");
