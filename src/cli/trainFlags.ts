/** The options of `train` beside the recipe: the data, the run's folder and the loader. */
import { Option, type Command } from 'commander';
import { integer, number, size } from './arguments.js';
import type { BackendOptions } from './backends.js';
import type { TrainingDataOptions } from './trainingData.js';
import type { RecipeFlags } from './trainOptions.js';

export interface TrainFlags extends BackendOptions, RecipeFlags, TrainingDataOptions {
  readonly data?: string;
  readonly output: string;
  readonly resume?: true;
  readonly acceptData?: true;
  readonly workers: number;
  readonly checkpointEvery: number;
  readonly logEvery?: number;
  readonly tensorboard?: boolean;
  readonly json?: true;
}

/** Adds the options to the command. */
export const withTraining = (command: Command): Command =>
  command
    .option('-d, --data <what>', 'data set: cifar10, cifar100, shapes, or the path of an archive or folder')
    .option('-o, --output <folder>', 'folder of the run', 'runs/train')
    .option('--resume', 'continue the run in the output folder, bit for bit')
    .option('--accept-data', 'with --resume: accept images other than those the run began with')
    .option('--limit <n>', 'train on this many images', integer(2))
    .option('--val-limit <n>', 'evaluate on this many images, 0 for none', integer(0))
    .option('--val-split <share>', 'share held out if the folder has no val/ or test/ (default: 0.1)', number(0, 1))
    .option('--image-size <size>', 'size of images before augmentation (default: input size)', size)
    .option('--workers <n>', 'threads that prepare images', integer(0), 1)
    .option('--checkpoint-every <s>', 'seconds between checkpoints within an epoch', number(0), 300)
    .option('--log-every <n>', 'steps between records (default: 10, fewer in epochs of less than 200)', integer(1))
    .option('--tensorboard', 'write event files for TensorBoard')
    .addOption(new Option('--cache <where>', 'image cache').choices(['auto', 'memory', 'none']).default('auto'))
    .addOption(new Option('--on-bad-image <what>', 'unreadable images').choices(['fail', 'skip']).default('fail'))
    .option('--json', 'print a JSON line a step and epoch');
