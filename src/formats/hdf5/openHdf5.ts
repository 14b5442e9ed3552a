/** Opens HDF5 files: their groups and arrays, whose values are read on request. */
import { WeightsError } from '../../core/errors.js';
import { formatShape, sizeOf } from '../../core/tensor.js';
import type { FileTensor, RandomAccess } from '../foreignFile.js';
import { rowMajorStrides } from '../strides.js';
import { stridedTensor, unreadTensor, type Storage } from '../stridedTensor.js';
import { tensorType } from '../tensorTypes.js';
import { Hdf5Thread } from './hdf5Thread.js';
import type { Hdf5Array, Hdf5Object } from './messages.js';

/** The first bytes of a file. */
const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

export const isHdf5 = (head: Uint8Array): boolean => SIGNATURE.every((byte, i) => head[i] === byte);

/** Where threads come from. */
export interface Threads {
  take(file: RandomAccess): Promise<Hdf5Thread>;
  /** Takes one back. */
  give(thread: Hdf5Thread): Promise<void>;
}

/** A thread for each file: what a damaged one does to the library cannot concern the next. */
const FRESH: Threads = {
  take: (file) => Hdf5Thread.start(file),
  give: async (thread) => {
    await thread.stop();
  },
};

/** The largest factor by which zlib compresses. */
const MAX_GROWTH = 1032;
/** Bytes of the part of an array that is read at once: as many of its first axis as a block of values needs. */
const LONGEST_READ = 2 ** 28;

const HINT = 'The file is damaged, or was written by a faulty program: save it again.';

/** A file that is open. */
export interface Hdf5 {
  /** All groups and arrays. */
  readonly objects: readonly Hdf5Object[];
  /**
   * An array as a tensor of another order of axes.
   *
   * @param axes for each axis of the tensor the one of the array, or null for one of size 1 that the array does not have
   * @throws WeightsError for an array that the file is too short to contain
   */
  tensor(path: string, array: Hdf5Array, axes: readonly (number | null)[]): FileTensor;
  close(): Promise<void>;
}

/** @throws WeightsError for a damaged file @throws BackendUnavailableError if the library is not installed */
export async function openHdf5(file: RandomAccess, threads = FRESH): Promise<Hdf5> {
  const thread = await threads.take(file);
  const close = async (): Promise<void> => {
    // It is free for another file, unless it was stopped.
    if (!thread.isStopped) await thread.ask(file, { kind: 'close' }).catch(() => thread.stop());
    await threads.give(thread);
  };
  try {
    const reply = await thread.ask(file, { kind: 'open', size: file.size });
    if (reply.kind !== 'objects') throw new Error(`The thread has answered ${reply.kind}.`);
    const { objects } = reply;
    return { objects, close, tensor: (path, array, axes) => tensorOf(file, thread, path, array, axes) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The elements of an array, in row-major order. */
class ArrayStorage implements Storage {
  readonly size: number;
  /** The axis along which it is read in parts, and the bytes of one of them. */
  private readonly axis: number;
  private readonly step: number;

  constructor(
    private readonly file: RandomAccess,
    private readonly thread: Hdf5Thread,
    private readonly path: string,
    private readonly shape: readonly number[],
    width: number,
  ) {
    this.size = sizeOf(shape) * width;
    this.axis = Math.max(
      0,
      shape.findIndex((size) => size > 1),
    );
    this.step = sizeOf(shape.slice(this.axis + 1)) * width;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const { axis, step, shape, path, file, thread } = this;
    const first = Math.floor(offset / step);
    const steps = Math.ceil((offset + length) / step) - first;
    const size = steps * step;
    if (size > LONGEST_READ) {
      const expected = `rows of at most ${LONGEST_READ} bytes`;
      throw new WeightsError({ op: `${file.name}: ${path}`, expected, got: `${size}`, hint: HINT });
    }
    const reply = await thread.ask(file, {
      ...{ kind: 'read', path, size },
      start: shape.map((_, i) => (i === axis ? first : 0)),
      count: shape.map((each, i) => (i === axis ? steps : each)),
    });
    if (reply.kind !== 'block') throw new Error(`The thread has answered ${reply.kind}.`);
    const begin = offset - first * step;
    return reply.bytes.subarray(begin, begin + length);
  }
}

/** @throws WeightsError if an array has more bytes than the file can contain */
function checkSize(file: RandomAccess, { shape, isChunked }: Hdf5Array, width: number, op: string): void {
  const most = file.size * (isChunked ? MAX_GROWTH : 1);
  const isSize = shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (isSize && sizeOf(shape) * width <= most) return;
  const expected = `an array of at most ${most} bytes, as many as the file can contain`;
  throw new WeightsError({ op, expected, got: `the shape ${formatShape(shape)}`, hint: HINT });
}

function tensorOf(
  file: RandomAccess,
  thread: Hdf5Thread,
  path: string,
  array: Hdf5Array,
  axes: readonly (number | null)[],
): FileTensor {
  const op = `${file.name}: ${path}`;
  const { shape, dtype, isVirtual } = array;
  const target = axes.map((axis) => (axis === null ? 1 : shape[axis]));
  const type = dtype === null ? undefined : tensorType(dtype);
  if (isVirtual) return unreadTensor({ shape: target, dtype: dtype ?? 'unknown' }, 'an array in other files', op);
  if (dtype === null || type === undefined) {
    return unreadTensor({ shape: target, dtype: dtype ?? 'unknown' }, dtype ?? 'no array of numbers', op);
  }
  checkSize(file, array, type.width, op);
  const strides = rowMajorStrides(shape);
  const view = { dtype, offset: 0, shape: target, strides: axes.map((axis) => (axis === null ? 1 : strides[axis])) };
  const storage = new ArrayStorage(file, thread, path, shape, type.width);
  return stridedTensor(view, () => Promise.resolve(storage), sizeOf(shape), op);
}
