/**
 * Tensors that are views of a storage: element [i, j, …] is at offset + i·strides[0] + j·strides[1] + …, as in PyTorch.
 * Views may be transposed, have gaps, share elements, and repeat them (stride 0).
 */
import { show } from '../core/check.js';
import { WeightsError } from '../core/errors.js';
import { formatShape, sizeOf, type FloatArray } from '../core/tensor.js';
import type { FileTensor } from './foreignFile.js';
import { tensorType, type TensorType } from './tensorTypes.js';

/** The elements that views share. */
export interface Storage {
  /** Bytes. */
  readonly size: number;
  /** Reads at most a block. @throws WeightsError if the file is damaged */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A view, with offset and strides in elements. */
export interface View {
  readonly dtype: string;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** Elements that are read at once. */
const BLOCK = 2 ** 18;
/** Elements of a view that repeats some: a file of a few bytes may state any shape. */
const LARGEST_REPEATED = 2 ** 24;
/** Dimensions of a tensor in PyTorch. */
const MAX_DIMENSIONS = 64;

const HINT = 'The file is damaged, or was written by a faulty program: save it again.';

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/**
 * @param capacity elements of the storage
 * @throws WeightsError for a view of what the storage does not have
 */
export function checkView(view: View, capacity: number, op: string): void {
  checkCounts(view, op);
  const { offset, shape, strides } = view;
  const refuse = (expected: string, got: string): never => {
    throw new WeightsError({ op, expected, got, hint: HINT });
  };
  const count = sizeOf(shape);
  if (!Number.isSafeInteger(count)) refuse('a tensor of at most 2^53 elements', formatShape(shape));
  if (count === 0) return;
  if (lastOf(view) >= capacity) {
    const got = `shape ${formatShape(shape)}, strides ${formatShape(strides)} at offset ${offset}`;
    refuse(`a view of the ${capacity} elements of its storage`, got);
  }
  if (count > Math.max(capacity, LARGEST_REPEATED)) {
    refuse(`at most ${LARGEST_REPEATED} elements of a storage of ${capacity}`, formatShape(shape));
  }
}

/** @throws WeightsError unless the numbers of a view are counts, as many strides as sizes */
function checkCounts({ offset, shape, strides }: View, op: string): void {
  const counts = [...shape, ...strides, offset];
  if (counts.every(isCount) && shape.length === strides.length && shape.length <= MAX_DIMENSIONS) return;
  const expected = `a shape, as many strides (at most ${MAX_DIMENSIONS}) and an offset, all integers >= 0`;
  const got = `${show(shape)}, ${show(strides)} and ${show(offset)}`;
  throw new WeightsError({ op, expected, got, hint: HINT });
}

/** Index of the last element in the storage. */
const lastOf = ({ offset, shape, strides }: View): number =>
  shape.reduce((last, size, axis) => (size > 1 ? last + (size - 1) * strides[axis] : last), offset);

/** An axis of a view: its strides in the storage and in the result. */
interface Axis {
  readonly size: number;
  readonly stride: number;
  readonly step: number;
}

/** The axes with more than one element, by descending strides: in this order the storage is read from its beginning. */
function axesOf({ shape, strides }: View): Axis[] {
  let step = 1;
  const axes: Axis[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const [size, stride] = [shape[axis], strides[axis]];
    if (size > 1) axes.push({ size, stride, step });
    step *= size;
  }
  // The sort is stable: of equal strides, the inner axis of the result is the inner one here.
  return axes.reverse().sort((a, b) => b.stride - a.stride);
}

const isContiguous = (axes: readonly Axis[]): boolean => axes.every(({ stride, step }) => stride === step);

/** A part of a storage as numbers. */
class Window {
  private start = 0;
  private values: FloatArray;
  private words: Uint32Array;

  constructor(
    private readonly storage: Storage,
    private readonly type: TensorType,
    private readonly end: number,
    private readonly op: string,
  ) {
    this.values = new type.Values(0);
    this.words = wordsOf(this.values);
  }

  contains(index: number): boolean {
    return index >= this.start && index < this.start + this.values.length;
  }

  /** Reads the elements from an index on. */
  async move(index: number): Promise<void> {
    const { storage, type, op } = this;
    const length = Math.min(BLOCK, this.end - index);
    this.values = await readElements(storage, type, index, new type.Values(length), op);
    this.words = wordsOf(this.values);
    this.start = index;
  }

  /** Copies an element bit for bit. @param target words of the result */
  copy(index: number, target: Uint32Array, to: number): void {
    const from = index - this.start;
    if (target.BYTES_PER_ELEMENT === this.values.BYTES_PER_ELEMENT) target[to] = this.words[from];
    else {
      target[2 * to] = this.words[2 * from];
      target[2 * to + 1] = this.words[2 * from + 1];
    }
  }
}

const wordsOf = (values: FloatArray): Uint32Array =>
  new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4);

async function readElements(
  storage: Storage,
  type: TensorType,
  first: number,
  data: FloatArray,
  op: string,
): Promise<FloatArray> {
  const { width } = type;
  type.read(await storage.read(first * width, data.length * width), data, op, first);
  return data;
}

async function readContiguous(
  storage: Storage,
  type: TensorType,
  offset: number,
  data: FloatArray,
  op: string,
): Promise<void> {
  for (let at = 0; at < data.length; at += BLOCK) {
    await readElements(storage, type, offset + at, data.subarray(at, at + BLOCK), op);
  }
}

async function readStrided(
  storage: Storage,
  type: TensorType,
  view: View,
  axes: readonly Axis[],
  data: FloatArray,
  op: string,
): Promise<void> {
  const end = lastOf(view) + 1;
  const window = new Window(storage, type, end, op);
  const target = wordsOf(data);
  const indices = axes.map(() => 0);
  let [from, to] = [view.offset, 0];
  for (let i = 0; i < data.length; i++) {
    if (!window.contains(from)) await window.move(from);
    window.copy(from, target, to);
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      const { size, stride, step } = axes[axis];
      from += stride;
      to += step;
      if (++indices[axis] < size) break;
      indices[axis] = 0;
      from -= size * stride;
      to -= size * step;
    }
  }
}

/** Whether elements are read from the first to the last: no axis reaches beyond the next step of an outer one. */
function isAscending(axes: readonly Axis[]): boolean {
  let reach = 0;
  for (const { size, stride } of [...axes].reverse()) {
    if (stride > 0 && stride < reach) return false;
    reach += (size - 1) * stride;
  }
  return true;
}

/**
 * A tensor that no weights are like, which a file may have beside them: its values are never read.
 *
 * @param what it is, for the error of `read`
 */
export const unreadTensor = (facts: Pick<FileTensor, 'shape' | 'dtype'>, what: string, op: string): FileTensor => ({
  shape: facts.shape,
  dtype: facts.dtype,
  read() {
    const hint = 'Convert it in Python: tensor.resolve_conj().to_dense().float().';
    return Promise.reject(new WeightsError({ op, expected: 'a dense tensor of floats or integers', got: what, hint }));
  },
});

/**
 * A view of a storage.
 *
 * @param op names the tensor in errors
 * @param open finds the storage
 * @param capacity elements of the storage
 * @throws WeightsError for a view of what the storage does not have, or of an unknown type
 */
export function stridedTensor(view: View, open: () => Promise<Storage>, capacity: number, op: string): FileTensor {
  const { dtype, offset, shape } = view;
  const type = tensorType(dtype);
  if (type === undefined) {
    const hint = 'Convert it in Python: tensor.float().';
    throw new WeightsError({ op, expected: 'a tensor of floats or integers', got: dtype, hint });
  }
  checkView(view, capacity, op);
  const axes = axesOf(view);
  if (!isAscending(axes) && lastOf(view) - offset >= BLOCK) {
    const got = `strides ${formatShape(view.strides)} of shape ${formatShape(shape)}`;
    const hint = 'Save tensor.contiguous() in Python.';
    throw new WeightsError({ op, expected: 'a view whose rows do not overlap', got, hint });
  }
  return {
    shape,
    dtype,
    async read() {
      const data = new type.Values(sizeOf(shape));
      if (data.length === 0) return data;
      const storage = await open();
      if (isContiguous(axes)) await readContiguous(storage, type, offset, data, op);
      else await readStrided(storage, type, view, axes, data, op);
      return data;
    },
  };
}
