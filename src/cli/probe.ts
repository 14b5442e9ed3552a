/** Images on which two networks are compared. */
import type { ModelConfig } from '../core/config.js';
import { DataError } from '../core/errors.js';
import { uniform } from '../core/philox.js';
import { sizeOf } from '../core/tensor.js';
import { checkDataset } from '../data/sets/classes.js';
import type { DataSet, ImageSet } from '../data/sets/dataset.js';
import { openDataset } from '../data/sets/open.js';
import { prepareInputs } from '../data/sets/prepareInputs.js';
import { drawShapes } from '../data/sets/shapes.js';
import { fitOptions } from '../image/preprocess.js';
import type { Model } from '../model/model.js';
import { setLogits } from './setLogits.js';

/** The default number of synthetic images. */
const SYNTHETIC = 64;
/** Images a call. */
const BATCH = 8;

export interface ProbeOptions {
  readonly data?: string;
  readonly probe?: number;
  readonly seed: number;
}

export interface Probe {
  /** A description of the images. */
  readonly what: string;
  readonly set: DataSet;
  /** Whether its labels are the network's classes. */
  readonly isLabeled: boolean;
}

/** Shapes if the network takes square RGB images, else noise. */
function syntheticProbe({ in_chans, input_size }: ModelConfig, n: number, seed: number): Probe {
  const [height, width] = input_size;
  if (in_chans === 3 && height === width && height >= 8) {
    return { what: `${n} drawn shapes`, set: drawShapes(n, { size: height, seed }), isLabeled: false };
  }
  const length = n * sizeOf([in_chans, height, width]);
  const images = Uint8Array.from({ length }, (_, i) => 256 * uniform(seed, 0, i));
  const labels = new Uint8Array(n);
  const set: ImageSet = { images, labels, n, channels: in_chans, height, width, classNames: ['noise'] };
  return { what: `${n} images of noise`, set, isLabeled: false };
}

/** @throws DataError, ParamError if the data set is invalid or does not fit the network */
export async function openProbe(config: ModelConfig, { data, probe, seed }: ProbeOptions): Promise<Probe> {
  if (data === undefined) return syntheticProbe(config, probe ?? SYNTHETIC, seed);
  const set = await openDataset(data, 'test', {
    ...{ ...fitOptions(config), seed, cache: 'none', keepOriginalSize: true },
    ...(probe === undefined ? {} : { n: probe }),
  });
  checkDataset(set, config, data);
  if (set.n === 0) throw new DataError({ op: data, expected: 'images of the split test', got: 'none' });
  return { what: `${set.n} images of ${data}`, set, isLabeled: true };
}

/** How far the logits of two networks differ. */
export interface Drift {
  readonly images: number;
  readonly maxDifference: number;
  readonly meanDifference: number;
  /** maxDifference as a share of maxLogit; 0 if all logits are 0. */
  readonly relativeDifference: number;
  /** The largest magnitude of the first network's logits. */
  readonly maxLogit: number;
  /** Share of the images with the same most probable class. */
  readonly top1Agreement: number;
  /** Top-1 accuracies; null without labels. */
  readonly accuracy: { readonly before: number; readonly after: number } | null;
}

const argmax = (row: readonly number[]): number => row.indexOf(Math.max(...row));

/** Sums over the images seen so far. */
class DriftSum {
  maxDifference = 0;
  maxLogit = 0;
  sum = 0;
  agreements = 0;
  correctBefore = 0;
  correctAfter = 0;

  add(before: readonly number[], after: readonly number[], label: number): void {
    const differences = before.map((v, i) => Math.abs(v - after[i]));
    this.maxDifference = Math.max(this.maxDifference, ...differences);
    this.maxLogit = Math.max(this.maxLogit, ...before.map(Math.abs));
    this.sum += differences.reduce((total, v) => total + v, 0);
    const [classBefore, classAfter] = [argmax(before), argmax(after)];
    if (classBefore === classAfter) this.agreements++;
    if (classBefore === label) this.correctBefore++;
    if (classAfter === label) this.correctAfter++;
  }
}

/** Compares two networks on the images. @throws WeightsError if a logit is NaN or infinite */
export async function driftOf(
  [before, after]: readonly [Model, Model],
  { set, isLabeled }: Probe,
  onProgress: (done: number, total: number) => void,
): Promise<Drift> {
  const { num_classes: classes } = before.config;
  const total = new DriftSum();
  for (let from = 0; from < set.n; from += BATCH) {
    const n = Math.min(BATCH, set.n - from);
    const positions = Array.from({ length: n }, (_, i) => from + i);
    const x = await prepareInputs(set, positions, before.config);
    const images = { set, positions, x };
    const logits = [await setLogits('pack', before, images), await setLogits('pack', after, images)];
    for (let image = 0; image < n; image++) {
      const [first, second] = logits.map((all) => Array.from(all.subarray(image * classes, (image + 1) * classes)));
      total.add(first, second, set.labels[from + image]);
    }
    onProgress(from + n, set.n);
  }
  return {
    images: set.n,
    maxDifference: total.maxDifference,
    meanDifference: total.sum / (set.n * classes),
    relativeDifference: total.maxLogit === 0 ? 0 : total.maxDifference / total.maxLogit,
    maxLogit: total.maxLogit,
    top1Agreement: total.agreements / set.n,
    accuracy: isLabeled ? { before: total.correctBefore / set.n, after: total.correctAfter / set.n } : null,
  };
}
