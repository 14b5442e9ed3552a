/** What to do with the network of a finished training, as commands. */
import { join } from 'node:path';
import type { Form } from '../core/config.js';
import { shellWord } from './print.js';

export interface FinishedRun {
  readonly folder: string;
  readonly form: Form;
  /** Whether an epoch with λ = 1 was evaluated. */
  readonly hasBestFusable: boolean;
  /** The data set as `--data` has it. */
  readonly spec: string;
  /** The share of the training images that was held out at random; null for images of their own. */
  readonly valSplit: number | null;
  readonly seed: number;
}

const command = (...words: readonly string[]): string => ['vanillanet', ...words.map(shellWord)].join(' ');

/** A path that is not taken for an option. */
const notAnOption = (path: string): string => (path.startsWith('-') ? `./${path}` : path);

/** Commands that draw the curves, fuse the network if it is deep, and evaluate it. */
export function nextSteps({ folder, form, hasBestFusable, spec, valSplit, seed }: FinishedRun): string[] {
  const trained = notAnOption(join(folder, `${hasBestFusable ? 'best-fusable' : 'last'}.safetensors`));
  const deploy = form === 'train' ? notAnOption(join(folder, 'deploy.safetensors')) : trained;
  const split = valSplit === null ? [] : ['--val-split', `${valSplit}`, '--seed', `${seed}`];
  return [
    command('plot', notAnOption(folder)),
    ...(form === 'train' ? [command('fuse', trained, deploy)] : []),
    command('eval', '--weights', deploy, '--data', notAnOption(spec), ...split),
  ];
}
