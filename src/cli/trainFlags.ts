/** What `train` is told beside the recipe: of the data, and of what is kept. */
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
  readonly json?: true;
}

/** All of it as flags. */
export const withTraining = (command: Command): Command =>
  command
    .option(
      '-d, --data <what>',
      'CIFAR-10 or -100 (archive, folder, "cifar10" or "cifar100"), an image folder, or "shapes"; what has no path here is looked for in data/ or VANILLANET_DATA, and so is CIFAR if nothing is given',
    )
    .option('-o, --output <folder>', 'where the run is kept', 'runs/train')
    .option('--resume', 'go on with the run in the output folder, to the same last bit')
    .option(
      '--accept-data',
      'with --resume: go on though the images are not those that the run began with, as where one was mended or is left out; not to the same bits',
    )
    .option('--limit <n>', 'train on so many images only', integer(2))
    .option('--val-limit <n>', 'evaluate on so many held-out images only; 0 for none', integer(0))
    .option(
      '--val-split <share>',
      'hold out this share of each class, drawn by the seed, where an image folder has no val/ or test/ (0.1); 0 for none',
      number(0, 1),
    )
    .option(
      '--image-size <size>',
      'size that images in memory are brought to before augmentation, and cropped out of (the input size)',
      size,
    )
    .option('--workers <n>', 'threads that prepare images beside the network', integer(0), 1)
    .option('--checkpoint-every <s>', 'seconds between checkpoints within an epoch', number(0), 300)
    .addOption(
      new Option(
        '--cache <where>',
        "where an image folder's pixels are kept: all in memory, none (read and decoded for each batch by the workers, and random resized crops cut out of the whole pictures, as torchvision and timm do), or auto: none for such crops and beyond 2 GiB, in memory elsewhere",
      )
        .choices(['auto', 'memory', 'none'])
        .default('auto'),
    )
    .addOption(
      new Option(
        '--on-bad-image <what>',
        'what to do about an image that cannot be read: name it and stop, or name it and leave it out. Without a cache, fail looks at how each file begins, and stops at one damaged further on when a batch wants it; skip decodes every file once beforehand',
      )
        .choices(['fail', 'skip'])
        .default('fail'),
    )
    .option('--json', 'print a JSON line for every step and epoch');
