/** Runs a network on a set, image by image into a file if there is one, and computes the scores. */
import { createHash } from 'node:crypto';
import { exp } from '../core/elementary.js';
import { DataError } from '../core/errors.js';
import type { FloatArray } from '../core/tensor.js';
import type { DataSet } from '../data/sets/dataset.js';
import type { Model } from '../model/model.js';
import { prepareInputs } from '../data/sets/prepareInputs.js';
import { crossEntropy } from '../train/scores.js';
import type { Count } from './countBar.js';
import type { Preparation } from './evalProtocol.js';
import type { EvalSet } from './evalSet.js';
import type { PredictionsCsv, RankedImage } from './predictionsCsv.js';
import { setLogits } from './setLogits.js';

/** Scores of the images whose reassessed labels are not empty. */
export interface RealScores {
  readonly top1: number;
  readonly topK: number;
  readonly images: number;
}

/** The scores of a network on a data set. */
export interface Evaluation {
  /** Of the images that could be read. */
  readonly labels: Int32Array;
  readonly predictions: Int32Array;
  /** Cross-entropy in nats, averaged over the images. */
  readonly loss: number;
  /** Share of the images whose class is among the k most probable. */
  readonly topK: number;
  readonly real: RealScores | null;
  /** The names of images that could not be read. */
  readonly damaged: readonly string[];
  /** Of the images that the network has seen now; null if there were none. */
  readonly imagesPerSecond: number | null;
}

/** Sums over images. */
class Tally {
  private readonly realLabels: EvalSet['realLabels'];
  private readonly labels: number[] = [];
  private readonly predictions: number[] = [];
  private readonly damaged: string[];
  private readonly realHits = { images: 0, top1: 0, topK: 0 };
  private loss = 0;
  private hits = 0;

  constructor(
    { set: { skipped = [] }, realLabels }: EvalSet,
    private readonly k: number,
  ) {
    this.realLabels = realLabels;
    // Those of an archive, which were left out when it was opened.
    this.damaged = skipped.map(({ file }) => file);
  }

  add({ file, label, result }: RankedImage, image: number): void {
    if (result === null) {
      this.damaged.push(file);
      return;
    }
    const ranking = result.indices.slice(0, this.k);
    this.labels.push(label);
    this.predictions.push(result.indices[0]);
    this.loss += result.loss;
    if (ranking.includes(label)) this.hits++;
    const real = this.realLabels?.(image) ?? [];
    if (real.length === 0) return;
    this.realHits.images++;
    if (real.includes(ranking[0])) this.realHits.top1++;
    if (ranking.some((index) => real.includes(index))) this.realHits.topK++;
  }

  scores(imagesPerSecond: number | null): Evaluation {
    const { labels, predictions, damaged, loss, hits } = this;
    const { images, top1, topK: realTopK } = this.realHits;
    return {
      ...{ labels: Int32Array.from(labels), predictions: Int32Array.from(predictions), damaged, imagesPerSecond },
      ...{ loss: loss / labels.length, topK: hits / labels.length },
      real: this.realLabels === null ? null : { images, top1: top1 / images, topK: realTopK / images },
    };
  }
}

export interface RunOptions {
  readonly batchSize: number;
  /** The number of classes in the ranking of an image. */
  readonly k: number;
  /** Whether images that cannot be read are left out. */
  readonly skipDamaged: boolean;
}

/** Inputs of the images that could be read, and their positions. */
interface Inputs {
  readonly positions: readonly number[];
  readonly x: Float32Array;
}

/** Joins inputs in their order. */
function joinInputs(parts: readonly Inputs[]): Inputs {
  const x = new Float32Array(parts.reduce((sum, part) => sum + part.x.length, 0));
  let from = 0;
  for (const part of parts) {
    x.set(part.x, from);
    from += part.x.length;
  }
  return { positions: parts.flatMap(({ positions }) => positions), x };
}

/** The inputs of a batch; one by one, without those that cannot be read, if there are any. */
async function readInputs(
  set: DataSet,
  positions: readonly number[],
  preparation: Preparation,
  skipDamaged: boolean,
): Promise<Inputs> {
  try {
    return { positions, x: await prepareInputs(set, positions, preparation) };
  } catch (error) {
    if (!skipDamaged || !(error instanceof DataError)) throw error;
  }
  if (positions.length === 1) return { positions: [], x: new Float32Array(0) };
  const parts: Inputs[] = [];
  for (const position of positions) parts.push(await readInputs(set, [position], preparation, true));
  return joinInputs(parts);
}

/** The classes of an image by their logits, ties in the order of the classes, and its cross-entropy. */
function rankImage(logits: FloatArray, label: number, k: number): RankedImage['result'] {
  const indices = [...logits.keys()].sort((a, b) => logits[b] - logits[a] || a - b).slice(0, k);
  return {
    indices,
    // The softmax of a logit is exp of its negative cross-entropy.
    probabilities: indices.map((index) => exp(-crossEntropy(logits, index))),
    loss: crossEntropy(logits, label),
  };
}

/**
 * Runs the network on all images, in batches; those whose predictions are in the file already are not computed again.
 *
 * @throws DataError for an image that cannot be read, unless it is to be left out, or if none can be read
 */
export async function evaluate(
  model: Model,
  evalSet: EvalSet,
  preparation: Preparation,
  { batchSize, k, skipDamaged }: RunOptions,
  { count, csv }: { readonly count: Count; readonly csv: PredictionsCsv | null },
): Promise<Evaluation> {
  const { set, files } = evalSet;
  const { num_classes: classes } = model.config;
  const tally = new Tally(evalSet, k);
  const former = csv?.former ?? [];
  former.forEach((image, i) => {
    tally.add(image, i);
  });
  let [ms, images] = [0, 0];
  try {
    for (let from = former.length; from < set.n; from += batchSize) {
      const batch = Array.from({ length: Math.min(batchSize, set.n - from) }, (_, i) => from + i);
      const { positions, x } = await readInputs(set, batch, preparation, skipDamaged);
      const begin = performance.now();
      const logits = positions.length === 0 ? null : await setLogits('eval', model, { set, positions, x });
      ms += performance.now() - begin;
      images += positions.length;
      const ranked = batch.map((image): RankedImage => {
        const [row, label] = [positions.indexOf(image), set.labels[image]];
        const values = row < 0 ? undefined : logits?.subarray(row * classes, (row + 1) * classes);
        return { file: files[image], label, result: values === undefined ? null : rankImage(values, label, k) };
      });
      await csv?.append(ranked);
      ranked.forEach((each, i) => {
        tally.add(each, from + i);
      });
      count.show(from + batch.length, set.n);
    }
  } finally {
    count.end();
  }
  const evaluation = tally.scores(images === 0 ? null : (1000 * images) / ms);
  if (evaluation.labels.length > 0) return evaluation;
  const got = `none of ${set.n}, such as ${evaluation.damaged[0]}`;
  throw new DataError({
    op: 'eval',
    expected: 'images that can be read',
    got,
    hint: 'Omit --skip-damaged to see why.',
  });
}

/** Identifies the images of a set and their labels, whatever folder they are in. */
export function digestOf({ set, files }: EvalSet): string {
  const hash = createHash('sha256');
  files.forEach((file, i) => hash.update(`${set.labels[i]} ${file}\n`));
  return hash.digest('hex');
}
