import type { Size } from '../../core/shapes.js';
import type { Batch } from './batch.js';

/** The sizes of a complete batch. */
export interface BatchShape {
  readonly batchSize: number;
  readonly channels: number;
  readonly size: Size;
  readonly classes: number;
}

/** One slot is read while the other is written. */
export const SLOTS_PER_THREAD = 2;

/** Memory of complete batches, one after the other; private to this thread, or shared. */
export interface Slots {
  readonly memory: ArrayBufferLike;
  readonly shape: BatchShape;
}

const imageLength = ({ channels, size }: BatchShape): number => channels * size[0] * size[1];
const slotWords = (shape: BatchShape): number => shape.batchSize * (imageLength(shape) + shape.classes + 1);

/** Size of `count` slots in bytes. */
export const slotBytes = (shape: BatchShape, count: number): number => 4 * count * slotWords(shape);

/** The first n images of a slot, as views. */
export function batchInSlot({ memory, shape }: Slots, slot: number, n: number): Batch {
  const { batchSize, classes } = shape;
  const begin = 4 * slot * slotWords(shape);
  const targets = begin + 4 * batchSize * imageLength(shape);
  return {
    x: new Float32Array(memory, begin, n * imageLength(shape)),
    targets: new Float32Array(memory, targets, n * classes),
    labels: new Int32Array(memory, targets + 4 * batchSize * classes, n),
  };
}
