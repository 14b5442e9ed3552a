/** The options of `train` beside the recipe: the data, the run's folder and the loader. */
import { Option, type Command } from 'commander';
import { isInteger } from '../core/check.js';
import type { StoredFlags } from '../train/origin.js';
import { imageSize, integer, number, numberIn } from './arguments.js';
import type { BackendOptions } from './backends.js';
import type { TrainingDataOptions } from './trainingData.js';
import type { RecipeFlags } from './trainOptions.js';

export interface TrainFlags extends BackendOptions, RecipeFlags, TrainingDataOptions {
  readonly data?: string;
  readonly output?: string;
  /** The weights to start from. */
  readonly init?: string;
  readonly newHead?: true;
  /** The folder, unless --output names it. */
  readonly resume?: true | string;
  readonly acceptData?: true;
  readonly workers: number;
  readonly checkpointEvery: number;
  readonly logEvery?: number;
  readonly tensorboard?: boolean;
  readonly json?: true;
}

const CACHES = ['auto', 'memory', 'none'] as const;
const ON_BAD_IMAGE = ['fail', 'skip'] as const;

/** The folder of a run if no flag names one. */
export const DEFAULT_OUTPUT = 'runs/train';

/** The flag of a name in `TrainFlags` or `Recipe`: `--batch-size` for `batchSize`. */
export const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const isPositive = (value: unknown): boolean => isInteger(value, { min: 1 });

/**
 * Flags that a resumed run takes from its folder, beside recipe, network, backend and the choice of the images, and
 * whether a value in a file is valid.
 */
export const STORED_FLAGS: readonly (readonly [name: keyof StoredFlags, isValid: (value: unknown) => boolean])[] = [
  ['imageSize', (value) => Array.isArray(value) && value.length === 2 && value.every(isPositive)],
  ['cache', (value) => CACHES.some((cache) => cache === value)],
  ['onBadImage', (value) => ON_BAD_IMAGE.some((choice) => choice === value)],
  ['workers', (value) => isInteger(value, { min: 0 })],
  ['threads', (value) => value === 'auto' || isPositive(value)],
  ['checkpointEvery', (value) => typeof value === 'number' && value >= 0],
  ['logEvery', isPositive],
  ['tensorboard', (value) => typeof value === 'boolean'],
];

/** Adds the options to the command. */
export const withTraining = (command: Command): Command =>
  command
    .option('-d, --data <what>', 'data set: cifar10, cifar100, shapes, or the path of an archive or folder')
    .option('-o, --output <folder>', `folder of the run (default: ${DEFAULT_OUTPUT})`)
    .option('--init <file>', 'fine-tune these weights of any format, or those of the folder of a run')
    .option('--new-head', 'with --init: draw a new head for as many classes, too')
    .option('--resume [folder]', 'continue a run, bit for bit; its folder has its data and flags')
    .option('--accept-data', 'with --resume: accept images other than those the run began with')
    .option('--limit <n>', 'train on this many images', integer(2))
    .option('--val-limit <n>', 'evaluate on this many images, 0 for none', integer(0))
    .option(
      '--val-split <share>',
      'share held out if the folder has no val/ or test/ (default: 0.1)',
      numberIn({ min: 0, below: 1 }),
    )
    .option('--image-size <size>', 'size of images before augmentation (default: input size)', imageSize)
    .option('--workers <n>', 'threads that prepare images', integer(0), 1)
    .option('--checkpoint-every <s>', 'seconds between checkpoints within an epoch', number(0), 300)
    .option('--log-every <n>', 'steps between records (default: 10, fewer in epochs of less than 200)', integer(1))
    .option('--tensorboard', 'write event files for TensorBoard')
    .addOption(new Option('--cache <where>', 'image cache').choices(CACHES).default('auto'))
    .addOption(new Option('--on-bad-image <what>', 'unreadable images').choices(ON_BAD_IMAGE).default('fail'))
    .option('--json', 'print a JSON line a step and epoch');
