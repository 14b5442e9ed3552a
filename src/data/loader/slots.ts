import type { Size } from '../../core/shapes.js';
import type { Batch } from './batch.js';

/** Sizes of a batch in full. */
export interface BatchShape {
  readonly batchSize: number;
  readonly channels: number;
  readonly size: Size;
  readonly classes: number;
}

/** Slots of a thread: one that is read, one that is written. */
export const SLOTS_PER_THREAD = 2;

/** Memory of whole batches, one after the other: of this thread alone, or shared. */
export interface Slots {
  readonly memory: ArrayBufferLike;
  readonly shape: BatchShape;
}

const imageLength = ({ channels, size }: BatchShape): number => channels * size[0] * size[1];
const slotWords = (shape: BatchShape): number => shape.batchSize * (imageLength(shape) + shape.classes + 1);

/** Bytes of `count` slots. */
export const slotBytes = (shape: BatchShape, count: number): number => 4 * count * slotWords(shape);

/** The first n images of a slot. */
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
