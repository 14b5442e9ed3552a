/**
 * Measures epochs as `vanillanet train` runs them: its training loop, its loader in a separate thread with the
 * augmentation of the preset `cifar`, and the engine on two threads.
 */
import { existsSync } from 'node:fs';
import { median } from '../src/cli/median.js';
import { table } from '../src/cli/print.js';
import { resolveConfig } from '../src/core/config.js';
import { findCifar10 } from '../src/data/sets/find.js';
import { openDataset } from '../src/data/sets/open.js';
import { CIFAR10, PRESETS } from '../src/train/presets.js';
import { train } from '../src/train/train.js';
import { wasmTrainer } from '../src/train/wasmTrainer.js';
import type { Build } from '../src/wasm/build.js';
import { ADAM, BATCH, NETWORK, SEED } from './peers/src/training/task.js';
import { rounded } from './statistics.js';

/** Number of training images of CIFAR-10. */
const FULL_SIZE = 50_000;
/** An archive of CIFAR-10 as JPEG files outside of the repository, which some machines have. */
const JPEG_ARCHIVE = '../shared/data/cifar10-images.tar.gz';
const THREADS = 2;
/** Default of `vanillanet train`. */
const WORKERS = 1;

export interface EpochEffort {
  readonly epochs: number;
  /** Images per epoch; fewer if the set has fewer. */
  readonly images: number;
}

export interface EpochReport {
  readonly build: Build;
  readonly threads: number;
  /** Threads that prepare batches. */
  readonly workers: number;
  readonly data: 'CIFAR-10' | 'drawn shapes';
  readonly images: number;
  readonly batches: number;
  readonly epochs: number;
  /** Median over the epochs of the time in the step loop. */
  readonly seconds: number;
  /** `seconds` extrapolated to 50,000 images. */
  readonly secondsOfWhole: number;
  /** Share of the loop's time spent waiting for images. */
  readonly idle: number;
}

async function openImages(n: number) {
  const spec = (await findCifar10()) ?? (existsSync(JPEG_ARCHIVE) ? JPEG_ARCHIVE : 'shapes');
  const data: EpochReport['data'] = spec === 'shapes' ? 'drawn shapes' : 'CIFAR-10';
  return { data, set: await openDataset(spec, 'train', { n, seed: SEED }) };
}

export async function benchEpoch({ epochs, images }: EpochEffort): Promise<EpochReport> {
  const { data, set } = await openImages(Math.min(images, FULL_SIZE));
  const config = resolveConfig({ ...NETWORK, ...CIFAR10 });
  const recipe = {
    epochs,
    batchSize: BATCH,
    optimizer: ADAM.kind,
    lr: ADAM.lr,
    weightDecay: 0,
    // λ reaches 1 within the first epoch. The time of a step does not depend on λ.
    decayEpochs: 0.5,
    augment: PRESETS.cifar.recipe.augment,
    seed: SEED,
  };
  const build: Build = 'plain';
  const loop = train({ train: set, validation: null }, config, recipe, {
    workers: WORKERS,
    openTrainer: (network, options) => wasmTrainer(network, { ...options, build, threads: THREADS }),
  });
  const seconds: number[] = [];
  const idle: number[] = [];
  let batches = 0;
  for await (const progress of loop) {
    if (progress.kind === 'step') {
      batches = progress.steps;
    } else {
      seconds.push(progress.seconds);
      idle.push(progress.idle);
    }
  }
  return {
    build,
    threads: THREADS,
    workers: WORKERS,
    data,
    images: set.n,
    batches,
    epochs,
    seconds: median(seconds),
    secondsOfWhole: (median(seconds) * Math.floor(FULL_SIZE / BATCH)) / batches,
    idle: median(idle),
  };
}

export const formatEpoch = (epoch: EpochReport): string =>
  table([
    [
      `an epoch, ${epoch.build} build, ${epoch.threads} threads and ${epoch.workers} for batches`,
      'images',
      'batches',
      'epochs',
      'seconds',
      'of 50,000 images',
      '% idle',
    ],
    [
      `${epoch.data}, cropped and mirrored`,
      ...[epoch.images, epoch.batches, epoch.epochs],
      ...[epoch.seconds, epoch.secondsOfWhole, 100 * epoch.idle].map(rounded),
    ],
  ]);
