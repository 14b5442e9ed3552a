/**
 * The random numbers of augmentation: a pure function of seed, epoch, item and index. Image k of epoch e has the same
 * numbers in every thread and in any order of computation.
 *
 * Numbers 2i and 2i + 1 are the two halves of the Philox output for counter (i, item, stream, 1) and key (seed, 0). The
 * last word of the counter separates them from the numbers of `uniform`, which have a 0 there. There are two kinds of
 * items, each with its own streams:
 *
 *   stream 3·2^30 + epoch          item = position of an image in its set
 *   stream 3·2^30 + 2^29 + epoch   item = step of the epoch, for numbers of a whole batch
 */
import { cos, log } from '../../core/elementary.js';
import { philox4x32, type PhiloxWords } from '../../core/philox.js';

const IMAGE_STREAM = 3 * 2 ** 30;
const BATCH_STREAM = IMAGE_STREAM + 2 ** 29;

/** Number of epochs with their own streams. */
export const MAX_EPOCHS = 2 ** 29;

/** A number in [0, 1) with 53 bits of two words. */
const fraction = (high: number, low: number): number => ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;

/** The sequence of random numbers of one item. */
export class Draws {
  private index = 0;
  private words: PhiloxWords = [0, 0, 0, 0];

  private constructor(
    private readonly seed: number,
    private readonly stream: number,
    private readonly item: number,
  ) {}

  static forImage(seed: number, epoch: number, position: number): Draws {
    return new Draws(seed, IMAGE_STREAM + epoch, position);
  }

  static forBatch(seed: number, epoch: number, step: number): Draws {
    return new Draws(seed, BATCH_STREAM + epoch, step);
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    const index = this.index++;
    if (index % 2 === 1) return fraction(this.words[2], this.words[3]);
    this.words = philox4x32([index / 2, this.item, this.stream, 1], [this.seed, 0]);
    return fraction(this.words[0], this.words[1]);
  }

  /** Uniform from `low` to `high`. */
  uniformBetween(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** An integer from 0 to n − 1. */
  integerBelow(n: number): number {
    return Math.floor(n * this.uniform());
  }

  /** True with probability p; never for 0, always for 1. */
  bernoulli(p: number): boolean {
    return this.uniform() < p;
  }

  /** Standard normal, by the Box-Muller transform. */
  normal(): number {
    const radius = Math.sqrt(-2 * log(1 - this.uniform()));
    return radius * cos(2 * Math.PI * this.uniform());
  }
}
