/** Images on which two networks are held against each other. */
import type { ModelConfig } from '../core/config.js';
import { DataError, WeightsError } from '../core/errors.js';
import { uniform } from '../core/philox.js';
import { sizeOf } from '../core/tensor.js';
import { checkDataset } from '../data/sets/classes.js';
import type { DataSet, ImageSet } from '../data/sets/dataset.js';
import { batchOf } from '../data/sets/batchOf.js';
import { openDataset } from '../data/sets/open.js';
import { loadSubset } from '../data/sets/loadSubset.js';
import { drawShapes } from '../data/sets/shapes.js';
import type { Model } from '../model/model.js';

/** Drawn images where nobody says how many. */
const DRAWN = 64;
/** Images a call. */
const BATCH = 8;

export interface ProbeOptions {
  readonly data?: string;
  readonly probe?: number;
  readonly seed: number;
}

export interface Probe {
  /** What the images are, in words. */
  readonly what: string;
  readonly set: DataSet;
  /** Whether its labels are the network's classes. */
  readonly isLabeled: boolean;
}

/** Shapes where the network takes pictures of that kind, or noise. */
function drawn({ in_chans, input_size }: ModelConfig, n: number, seed: number): Probe {
  const [height, width] = input_size;
  if (in_chans === 3 && height === width && height >= 8) {
    return { what: `${n} drawn shapes`, set: drawShapes(n, { size: height, seed }), isLabeled: false };
  }
  const images = Uint8Array.from(
    { length: n * sizeOf([in_chans, height, width]) },
    (_, i) => 256 * uniform(seed, 0, i),
  );
  const set: ImageSet = {
    images,
    labels: new Uint8Array(n),
    n,
    channels: in_chans,
    height,
    width,
    classNames: ['noise'],
  };
  return { what: `${n} images of noise`, set, isLabeled: false };
}

/** @throws DataError, ParamError for data that are none, or not for this network */
export async function openProbe(config: ModelConfig, { data, probe, seed }: ProbeOptions): Promise<Probe> {
  if (data === undefined) return drawn(config, probe ?? DRAWN, seed);
  const { input_size, interpolation } = config;
  const set = await openDataset(data, 'test', {
    ...{ size: input_size, interpolation, seed, cache: 'none' },
    ...(probe === undefined ? {} : { n: probe }),
  });
  checkDataset(set, config, data);
  if (set.n === 0) throw new DataError({ op: data, expected: 'images of the split test', got: 'none' });
  return { what: `${set.n} images of ${data}`, set, isLabeled: true };
}

/** What became of the logits. */
export interface Drift {
  readonly images: number;
  readonly maxDifference: number;
  readonly meanDifference: number;
  /** The largest magnitude before. */
  readonly maxLogit: number;
  /** Share of the images with the same most probable class. */
  readonly top1Agreement: number;
  /** Shares of the images whose label is the most probable class; null where there are no labels. */
  readonly accuracy: { readonly before: number; readonly after: number } | null;
}

const best = (row: readonly number[]): number => row.indexOf(Math.max(...row));

/** @throws WeightsError for logits that are no numbers */
export async function driftOf(
  [before, after]: readonly [Model, Model],
  { set, isLabeled }: Probe,
  onProgress: (done: number, total: number) => void,
): Promise<Drift> {
  const { mean, std, num_classes: classes } = before.config;
  let [maxDifference, sum, maxLogit, same] = [0, 0, 0, 0];
  const right = { before: 0, after: 0 };
  for (let from = 0; from < set.n; from += BATCH) {
    const n = Math.min(BATCH, set.n - from);
    const part = await loadSubset(
      set,
      Array.from({ length: n }, (_, i) => from + i),
    );
    const x = batchOf(part, [...part.labels.keys()], { mean, std });
    const [old, now] = [await before.forward(x, n), await after.forward(x, n)];
    for (let image = 0; image < n; image++) {
      const rowOf = (logits: typeof old): number[] =>
        Array.from(logits.subarray(image * classes, (image + 1) * classes));
      const [a, b] = [rowOf(old), rowOf(now)];
      const differences = a.map((v, c) => Math.abs(v - b[c]));
      if (!differences.every(Number.isFinite)) {
        const got = `${a.find((v) => !Number.isFinite(v)) ?? b.find((v) => !Number.isFinite(v))} on image ${from + image}`;
        throw new WeightsError({ op: 'pack', expected: 'finite logits', got });
      }
      maxDifference = Math.max(maxDifference, ...differences);
      maxLogit = Math.max(maxLogit, ...a.map(Math.abs));
      sum += differences.reduce((all, v) => all + v, 0);
      if (best(a) === best(b)) same++;
      if (best(a) === part.labels[image]) right.before++;
      if (best(b) === part.labels[image]) right.after++;
    }
    onProgress(from + n, set.n);
  }
  return {
    images: set.n,
    maxDifference,
    meanDifference: sum / (set.n * classes),
    maxLogit,
    top1Agreement: same / set.n,
    accuracy: isLabeled ? { before: right.before / set.n, after: right.after / set.n } : null,
  };
}
