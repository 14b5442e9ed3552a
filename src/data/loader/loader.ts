/** Batches for training: shuffled, augmented and normalized, prepared ahead by threads. */
import { disk } from '#data/disk';
import { MAX_EPOCHS } from '../augment/draws.js';
import { isStreamed, type DataSet, type ImageFiles } from '../sets/dataset.js';
import type { Batch } from './batch.js';
import { inlineQueue, threadQueue, type BatchQueue } from './batchQueue.js';
import { createFillBatch, type BatchSource, type FileOrder } from './fillBatch.js';
import { batchRecipe, checkLoaderOptions, isIntegerIn, optionError, type LoaderOptions } from './loaderOptions.js';
import { inputChannels, type Images } from './makeBatch.js';
import { permutation } from './permutation.js';
import type { FileSource } from './readFiles.js';
import type { BatchShape } from './slots.js';

export type { Batch } from './batch.js';
export type { LoaderOptions } from './loaderOptions.js';

export interface Loader {
  /** Batches of an epoch. */
  readonly steps: number;
  /**
   * The batches of an epoch, from step `firstStep` on. Epochs and steps are counted from 0. A batch is valid until the
   * next is requested; its content depends only on options, epoch and step. Starting an epoch ends the one before.
   */
  epoch(epoch: number, firstStep?: number): AsyncIterable<Batch>;
  /** Milliseconds spent waiting for batches so far. */
  readonly waited: number;
  /** Ends the threads. Pending and later requests for batches fail. */
  dispose(): Promise<void>;
}

const disposedError = () => optionError('loader', 'an open loader', 'a disposed one', 'Open another one: openLoader.');
const supersededError = () =>
  optionError('epoch', 'the epoch that was started last', 'an earlier one', 'Open a loader for each of them.');

/** The pixels and labels of a set; in memory that can be shared with threads if `isShared`. */
function imagesOf(set: DataSet, isShared: boolean): Images {
  const { channels, height, width } = set;
  const allocate = (bytes: number): ArrayBufferLike =>
    isShared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  const pixels = isStreamed(set) ? new Uint8Array(0) : set.images;
  const data = isShared ? new Uint8Array(allocate(pixels.length)) : pixels;
  if (isShared) data.set(pixels);
  const labels = new Int32Array(allocate(4 * set.n));
  labels.set(set.labels);
  return { data, labels, channels, height, width, classes: set.classNames.length };
}

/** Without the file names: each job carries those of its batch. */
const fileSource = ({ names: _, ...source }: ImageFiles): FileSource => source;

/** The files at the given positions, for a set on disk. */
const fileNames = (set: DataSet, positions: Int32Array): Pick<FileOrder, 'names'> =>
  isStreamed(set) ? { names: Array.from(positions, (position) => set.files.names[position]) } : {};

class BatchLoader implements Loader {
  waited = 0;
  private disposed = false;
  /** Number of the epoch that was started last; others may request no more batches. */
  private currentRun = 0;
  /** Batches started so far. */
  private started = 0;

  constructor(
    private readonly set: DataSet,
    private readonly options: LoaderOptions,
    private readonly queue: BatchQueue,
    readonly steps: number,
  ) {}

  epoch(epoch: number, firstStep = 0): AsyncIterable<Batch> {
    if (!isIntegerIn(epoch, 0, MAX_EPOCHS - 1)) throw optionError('epoch', 'an integer in [0, 2^29)', epoch);
    if (!isIntegerIn(firstStep, 0, this.steps)) {
      throw optionError('firstStep', `an integer from 0 to ${this.steps}`, firstStep);
    }
    this.requireOpen();
    return { [Symbol.asyncIterator]: () => this.batches(epoch, firstStep) };
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    await this.queue.stop(disposedError());
  }

  private requireOpen(): void {
    if (this.disposed) throw disposedError();
  }

  private async *batches(epoch: number, firstStep: number): AsyncGenerator<Batch, void, undefined> {
    this.requireOpen();
    const run = ++this.currentRun;
    this.queue.reset(supersededError());
    const order = this.imageOrder(epoch);
    const firstNumber = this.started;
    for (let step = firstStep; step < firstStep + this.queue.capacity; step++) this.start(order, epoch, step);
    for (let step = firstStep; step < this.steps; step++) {
      const since = performance.now();
      const batch = await this.queue.take(firstNumber + step - firstStep, this.batchLength(step));
      this.waited += performance.now() - since;
      yield batch;
      this.requireOpen();
      if (run !== this.currentRun) throw supersededError();
      this.start(order, epoch, step + this.queue.capacity);
    }
  }

  private imageOrder(epoch: number): Int32Array {
    const { seed, shuffle = true } = this.options;
    const { n } = this.set;
    return shuffle ? permutation(n, seed, epoch) : Int32Array.from({ length: n }, (_, i) => i);
  }

  /** Images in the batch of a step: fewer in an incomplete last one. */
  private batchLength(step: number): number {
    const { batchSize } = this.options;
    return Math.min(batchSize, this.set.n - step * batchSize);
  }

  /** Starts the batch of a step, if the epoch has that step. */
  private start(order: Int32Array, epoch: number, step: number): void {
    if (step >= this.steps) return;
    const { batchSize } = this.options;
    const positions = order.slice(step * batchSize, (step + 1) * batchSize);
    this.queue.start(this.started++, { epoch, step, positions, ...fileNames(this.set, positions) });
  }
}

/** Opens the queue of a loader: with threads, unless there are to be none. */
async function openQueue(set: DataSet, options: LoaderOptions): Promise<BatchQueue> {
  const { batchSize, workers = 1 } = options;
  const startThreads = workers === 0 ? null : disk.startThreads;
  // Before memory is shared: a runtime without threads may not have shared memory either.
  if (workers > 0 && startThreads === null) {
    throw optionError('workers', '0, as this runtime has no threads for images', workers, 'Pass { workers: 0 }.');
  }
  const images = imagesOf(set, startThreads !== null);
  const recipe = batchRecipe(set, options);
  const source: BatchSource = { images, recipe, files: isStreamed(set) ? fileSource(set.files) : null };
  const shape: BatchShape = {
    batchSize,
    channels: inputChannels(set.channels, recipe),
    size: recipe.fit.size,
    classes: images.classes,
  };
  return startThreads === null
    ? inlineQueue(await createFillBatch(source), shape)
    : threadQueue(source, shape, workers, startThreads);
}

/**
 * Opens a set for training. With threads, images in memory are copied once into shared memory, and images on disk are
 * read ahead by the threads. Batches are the same bit for bit with any number of threads.
 *
 * @throws ParamError naming the option that is out of range, DataError for a set that is inconsistent
 */
export async function openLoader(set: DataSet, options: LoaderOptions): Promise<Loader> {
  checkLoaderOptions(set, options);
  const { batchSize, dropLast = true } = options;
  const queue = await openQueue(set, options);
  const steps = dropLast ? Math.floor(set.n / batchSize) : Math.ceil(set.n / batchSize);
  return new BatchLoader(set, options, queue, steps);
}
