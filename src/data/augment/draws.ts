/**
 * The random numbers of augmentation, a pure function of seed, epoch, item and number:
 * whoever makes image k of epoch e, and in whatever order, draws the same.
 *
 * Draws 2i and 2i + 1 are the two halves of Philox's counter (i, item, stream, 1) under
 * key (seed, 0). The counter's last word keeps them apart from all `uniform` draws, which
 * have a 0 there. There are two kinds of items, each with streams of its own:
 *
 *   stream 3·2^30 + epoch          item = position of an image in its set
 *   stream 3·2^30 + 2^29 + epoch   item = step of the epoch, for what is drawn once a batch
 */
import { cos, log } from '../../core/elementary.js';
import { philox4x32, type Words } from '../../core/philox.js';

const IMAGE_STREAM = 3 * 2 ** 30;
const BATCH_STREAM = IMAGE_STREAM + 2 ** 29;

/** Epochs that have streams of their own. */
export const MAX_EPOCHS = 2 ** 29;

/** 53 bits of two words, in [0, 1). */
const fraction = (high: number, low: number): number => ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;

/** The draws of one item, one after the other. */
export class Draws {
  private number = 0;
  private words: Words = [0, 0, 0, 0];

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
    const number = this.number++;
    if (number % 2 === 1) return fraction(this.words[2], this.words[3]);
    this.words = philox4x32([number / 2, this.item, this.stream, 1], [this.seed, 0]);
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

  /** True with probability p: never for 0, always for 1. */
  bernoulli(p: number): boolean {
    return this.uniform() < p;
  }

  /** Of mean 0 and deviation 1, by Box and Muller. */
  normal(): number {
    const radius = Math.sqrt(-2 * log(1 - this.uniform()));
    return radius * cos(2 * Math.PI * this.uniform());
  }
}
