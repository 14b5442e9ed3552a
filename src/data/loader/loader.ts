/** Batches for training: shuffled, augmented and normalized, by threads beside the one that trains. */
import { disk } from '#data/disk';
import { ParamError } from '../../core/errors.js';
import type { Size } from '../../core/shapes.js';
import { normalizationTables } from '../../image/normalize.js';
import { MAX_EPOCHS } from '../augment/draws.js';
import { checkAugment, type AugmentOptions } from '../augment/options.js';
import type { Batch } from './batch.js';
import type { BatchRecipe, Images } from './makeBatch.js';
import { createFillBatch, type BatchSource, type FileOrder, type FillBatch } from './fillBatch.js';
import { checkDataset } from '../sets/classes.js';
import { isStreamed, type DataSet, type ImageFiles } from '../sets/dataset.js';
import type { Disk } from './disk/disk.js';
import type { FileSource } from './readFiles.js';
import { permutation } from './permutation.js';
import { SLOTS_PER_THREAD, slotBytes, batchInSlot, type BatchShape, type Slots } from './slots.js';

export type { Batch } from './batch.js';

export interface LoaderOptions {
  readonly batchSize: number;
  /** An integer in [0, 2^32): of shuffles and of all that is drawn. */
  readonly seed: number;
  /** Of each channel, of pixels in 0..1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Height and width of what comes out; those of the set where it is not given. */
  readonly inputSize?: Size;
  /** Label smoothing s in [0, 1): shares are (1 − s)·onehot + s/classes. 0 where it is not given. */
  readonly smoothing?: number;
  readonly augment?: AugmentOptions;
  /** α of mixup's Beta(α, α); none where it is 0 or not given. Likewise CutMix's. */
  readonly mixup?: number;
  readonly cutmix?: number;
  /** Probability that a batch is mixed at all; 1 where it is not given. */
  readonly mixupProb?: number;
  /** Probability that it is CutMix, where both are on; 0.5 where it is not given. */
  readonly switchProb?: number;
  /** True where it is not given. */
  readonly shuffle?: boolean;
  /** Whether an incomplete last batch is left out; true where it is not given. */
  readonly dropLast?: boolean;
  /** Threads that make batches; 0 makes them in this one, when they are asked for. 1 where it is not given. */
  readonly workers?: number;
}

export interface Loader {
  /** Batches of an epoch. */
  readonly steps: number;
  /**
   * The batches of an epoch (from 0), from step `firstStep` on. A batch is valid until
   * the next is asked for; its images depend on options, epoch and step alone.
   * One epoch at a time: a new one ends any before it.
   */
  epoch(epoch: number, firstStep?: number): AsyncIterable<Batch>;
  /** Milliseconds that somebody waited for a batch so far: the idle share. */
  readonly waited: number;
  /** Ends the threads. Whoever still waits, or asks again, gets an error. */
  dispose(): Promise<void>;
}

const MAX_WORKERS = 64;

const refusal = (op: string, expected: string, got: unknown): ParamError =>
  new ParamError({ op, expected, got: Array.isArray(got) ? `[${got.join(', ')}]` : String(got) });

function refuse(op: string, expected: string, got: unknown): never {
  throw refusal(op, expected, got);
}

const DISPOSED = ['loader', 'one in use', 'one disposed of'] as const;
const SUPERSEDED = ['epoch', 'the epoch begun last', 'one begun before it'] as const;

const isInteger = (v: unknown, low: number, high: number): boolean =>
  Number.isSafeInteger(v) && (v as number) >= low && (v as number) <= high;

function check(set: DataSet, o: LoaderOptions): void {
  const isShare = (v: number): boolean => v >= 0 && v <= 1;
  if (!isInteger(o.batchSize, 1, set.n)) refuse('batchSize', `an integer from 1 to the ${set.n} images`, o.batchSize);
  if (!isInteger(o.seed, 0, 2 ** 32 - 1)) refuse('seed', 'an integer in [0, 2^32)', o.seed);
  const { inputSize = [set.height, set.width], smoothing = 0, workers = 1 } = o;
  if ((inputSize as readonly number[]).length !== 2 || !inputSize.every((v) => isInteger(v, 1, 2 ** 15))) {
    refuse('inputSize', '[height, width], integers >= 1', inputSize);
  }
  if (set.channels !== 3 && (inputSize[0] !== set.height || inputSize[1] !== set.width)) {
    refuse('inputSize', `${set.height} x ${set.width}: only images of 3 channels are scaled`, inputSize);
  }
  if (!(smoothing >= 0 && smoothing < 1)) refuse('smoothing', 'a number in [0, 1)', smoothing);
  for (const key of ['mixup', 'cutmix'] as const) {
    const alpha = o[key] ?? 0;
    if (!(alpha >= 0 && alpha < Infinity)) refuse(key, 'a number >= 0', alpha);
  }
  for (const key of ['mixupProb', 'switchProb'] as const) {
    if (!isShare(o[key] ?? 1)) refuse(key, 'a probability in [0, 1]', o[key]);
  }
  if (!isInteger(workers, 0, MAX_WORKERS)) refuse('workers', `an integer from 0 to ${MAX_WORKERS}`, workers);
  normalizationTables(set.channels, o.mean, o.std);
  checkAugment(o.augment ?? {}, { channels: set.channels, size: [set.height, set.width] });
  checkDataset(set);
}

function imagesOf(set: DataSet, shared: boolean): Images {
  const { channels, height, width } = set;
  const buffer = (bytes: number): ArrayBufferLike => (shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
  const pixels = isStreamed(set) ? new Uint8Array(0) : set.images;
  const data = shared ? new Uint8Array(buffer(pixels.length)) : pixels;
  if (shared) data.set(pixels);
  const labels = new Int32Array(buffer(4 * set.n));
  labels.set(set.labels);
  return { data, labels, channels, height, width, classes: set.classNames.length };
}

const recipeOf = (set: DataSet, o: LoaderOptions): BatchRecipe => ({
  seed: o.seed,
  mean: [...o.mean],
  std: [...o.std],
  size: o.inputSize ?? [set.height, set.width],
  smoothing: o.smoothing ?? 0,
  augment: o.augment ?? {},
  mix: { mixup: o.mixup ?? 0, cutmix: o.cutmix ?? 0, prob: o.mixupProb ?? 1, switchProb: o.switchProb ?? 0.5 },
});

/** How a batch comes about: begun early, then waited for. */
interface Maker {
  /** Slots, and so batches that may be begun before the first is asked for. */
  readonly ahead: number;
  begin(number: number, order: FileOrder): void;
  /** Rejects where an image of it cannot be read. */
  finish(number: number, n: number): Promise<Batch>;
  /** Nobody wants any more what was begun; who waits for it gets this error. */
  restart(cause: Error): void;
  stop(cause: Error): Promise<void>;
}

/** Makes each batch in this thread when it is asked for. */
function ownMaker(fill: FillBatch, shape: BatchShape): Maker {
  const slots: Slots = { memory: new ArrayBuffer(slotBytes(shape, 1)), shape };
  let next: FileOrder | null = null;
  // An epoch that was left may still be reading.
  let last: Promise<unknown> = Promise.resolve();
  return {
    ahead: 1,
    begin(_, order) {
      next = order;
    },
    async finish(_, n) {
      const batch = batchInSlot(slots, 0, n);
      const order = next;
      const filled = last.then(() => (order === null ? undefined : fill(order, batch)));
      last = filled.catch(() => undefined);
      await filled;
      return batch;
    },
    restart: () => undefined,
    stop: () => Promise.resolve(),
  };
}

function threadMaker(
  source: BatchSource,
  shape: BatchShape,
  workers: number,
  startThreads: NonNullable<Disk['startThreads']>,
): Maker {
  const count = SLOTS_PER_THREAD * workers;
  const slots: Slots = { memory: new SharedArrayBuffer(slotBytes(shape, count)), shape };
  const threads = startThreads(workers, { source, slots });
  return {
    ahead: count,
    begin(number, order) {
      // A slot has one thread, which fills it in the order asked: a batch nobody wants any more does no harm.
      threads.send({ ...order, number, slot: number % count });
    },
    async finish(number, n) {
      await threads.done(number);
      return batchInSlot(slots, number % count, n);
    },
    restart: (cause) => {
      threads.forget(cause);
    },
    stop: (cause) => threads.stop(cause),
  };
}

/** Without the names, of which each thread is told its own. */
const sourceOf = ({ names: _, ...source }: ImageFiles): FileSource => source;

/** The files of an order, of a set that is on the disk. */
const namesOf = (set: DataSet, positions: Int32Array): Pick<FileOrder, 'names'> =>
  isStreamed(set) ? { names: Array.from(positions, (position) => set.files.names[position]) } : {};

class BatchLoader implements Loader {
  waited = 0;
  private disposed = false;
  /** The epoch that may ask for batches, counted through. */
  private turn = 0;
  /** Batches begun so far. */
  private begun = 0;

  constructor(
    private readonly set: DataSet,
    private readonly options: LoaderOptions,
    private readonly maker: Maker,
    readonly steps: number,
  ) {}

  epoch(epoch: number, firstStep = 0): AsyncIterable<Batch> {
    if (!isInteger(epoch, 0, MAX_EPOCHS - 1)) refuse('epoch', 'an integer in [0, 2^29)', epoch);
    if (!isInteger(firstStep, 0, this.steps)) refuse('firstStep', `an integer from 0 to ${this.steps}`, firstStep);
    this.checkInUse();
    return { [Symbol.asyncIterator]: () => this.batches(epoch, firstStep) };
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    await this.maker.stop(refusal(...DISPOSED));
  }

  private checkInUse(): void {
    if (this.disposed) refuse(...DISPOSED);
  }

  private async *batches(epoch: number, firstStep: number): AsyncGenerator<Batch, void, undefined> {
    this.checkInUse();
    const turn = ++this.turn;
    this.maker.restart(refusal(...SUPERSEDED));
    const { seed, batchSize, shuffle = true } = this.options;
    const { n: images } = this.set;
    const order = shuffle ? permutation(images, seed, epoch) : Int32Array.from({ length: images }, (_, i) => i);
    const first = this.begun;
    const begin = (step: number): void => {
      if (step >= this.steps) return;
      const positions = order.slice(step * batchSize, (step + 1) * batchSize);
      this.maker.begin(this.begun++, { epoch, step, positions, ...namesOf(this.set, positions) });
    };
    for (let step = firstStep; step < firstStep + this.maker.ahead; step++) begin(step);
    for (let step = firstStep; step < this.steps; step++) {
      const since = performance.now();
      const n = Math.min(batchSize, this.set.n - step * batchSize);
      const batch = await this.maker.finish(first + step - firstStep, n);
      this.waited += performance.now() - since;
      yield batch;
      this.checkInUse();
      if (turn !== this.turn) refuse(...SUPERSEDED);
      begin(step + this.maker.ahead);
    }
  }
}

/**
 * Opens a set for training. With threads, images in memory are copied once into memory that
 * they share, and those on the disk are read by the threads, ahead of who asks; whatever the number of threads, batches are the same bit for bit.
 *
 * @throws ParamError before anything starts, naming the option that is out of range
 */
export function openLoader(set: DataSet, options: LoaderOptions): Promise<Loader> {
  // Whoever calls without types gets a rejection too, and no exception beside it.
  return Promise.resolve().then(async () => {
    check(set, options);
    const { batchSize, dropLast = true, workers = 1 } = options;
    // Before memory is shared: where there are no threads, there may be none to share.
    const startThreads =
      workers === 0
        ? null
        : (disk.startThreads ?? refuse('workers', '0, as there are no threads for images here', workers));
    const images = imagesOf(set, startThreads !== null);
    const recipe = recipeOf(set, options);
    const files = isStreamed(set) ? sourceOf(set.files) : null;
    const source: BatchSource = { images, recipe, files };
    const shape: BatchShape = { batchSize, channels: set.channels, size: recipe.size, classes: images.classes };
    const maker =
      startThreads === null
        ? ownMaker(await createFillBatch(source), shape)
        : threadMaker(source, shape, workers, startThreads);
    const steps = dropLast ? Math.floor(set.n / batchSize) : Math.ceil(set.n / batchSize);
    return new BatchLoader(set, options, maker, steps);
  });
}
