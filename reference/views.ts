/**
 * The part of `ndarray` that this folder uses: a view of float64 values with a shape, a stride an axis and
 * an offset. Views share their values.
 */
export interface NdArray {
  readonly data: Float64Array;
  readonly shape: number[];
  /** The distance in `data` between neighbors along each axis. */
  readonly stride: number[];
  /** The place in `data` of the element at index 0 of every axis. */
  readonly offset: number;
  readonly dtype: 'float64';
  readonly size: number;
  readonly dimension: number;
  /** Axes by ascending stride. */
  readonly order: number[];
  /** The view with its axes reversed. */
  readonly T: NdArray;
  get(...indices: number[]): number;
  /** Sets the element at the indices to the last argument. */
  set(...indices: number[]): number;
  index(...indices: number[]): number;
  lo(...begin: number[]): NdArray;
  hi(...sizes: number[]): NdArray;
  step(...steps: number[]): NdArray;
  transpose(...axes: number[]): NdArray;
  pick(...indices: (number | null)[]): NdArray;
}

const strideOf = (shape: readonly number[]): number[] =>
  shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));

/** Whether an argument of `lo`, `hi` or `pick` selects an index; otherwise the axis stays as it is. */
const isGiven = (i: number | null | undefined): i is number => typeof i === 'number' && i >= 0;

/** Replaces the package `ndarray` in runtimes that forbid generated code, which that package uses. */
class View implements NdArray {
  readonly dtype = 'float64';
  readonly dimension: number;

  constructor(
    readonly data: Float64Array,
    readonly shape: number[],
    readonly stride: number[],
    readonly offset: number,
  ) {
    this.dimension = shape.length;
  }

  get size(): number {
    return this.shape.reduce((a, b) => a * b, 1);
  }

  /** Axes by ascending stride. */
  get order(): number[] {
    const steps = this.stride.map(Math.abs);
    return steps.map((_, axis) => axis).sort((a, b) => steps[a] - steps[b]);
  }

  get T(): View {
    return this.transpose(...Array.from(this.shape, (_, axis) => axis).reverse());
  }

  index(...indices: number[]): number {
    let at = this.offset;
    for (let axis = 0; axis < this.dimension; axis++) at += this.stride[axis] * indices[axis];
    return at;
  }

  get(...indices: number[]): number {
    return this.data[this.index(...indices)];
  }

  /** The last argument is the value. */
  set(...indices: number[]): number {
    return (this.data[this.index(...indices)] = indices[this.dimension]);
  }

  /** The view that begins at these indices. */
  lo(...begin: number[]): View {
    const { shape, stride } = this;
    const skipped = shape.map((_, axis) => (isGiven(begin[axis]) ? begin[axis] : 0));
    return new View(
      this.data,
      shape.map((n, axis) => n - skipped[axis]),
      [...stride],
      this.index(...skipped),
    );
  }

  /** The view of the first elements along each axis. */
  hi(...sizes: number[]): View {
    const shape = this.shape.map((n, axis) => (isGiven(sizes[axis]) ? sizes[axis] : n));
    return new View(this.data, shape, [...this.stride], this.offset);
  }

  /** Every n-th element along each axis; in reverse if n is negative. */
  step(...steps: number[]): View {
    const by = this.shape.map((_, axis) => steps[axis] ?? 1);
    const first = this.shape.map((n, axis) => (by[axis] < 0 ? n - 1 : 0));
    const shape = this.shape.map((n, axis) => Math.ceil(n / Math.abs(by[axis])));
    return new View(
      this.data,
      shape,
      this.stride.map((s, axis) => s * by[axis]),
      this.index(...first),
    );
  }

  transpose(...axes: number[]): View {
    const from = this.shape.map((_, axis) => axes[axis] ?? axis);
    return new View(
      this.data,
      from.map((axis) => this.shape[axis]),
      from.map((axis) => this.stride[axis]),
      this.offset,
    );
  }

  /** The view of the remaining axes at fixed indices of the others; null keeps an axis. */
  pick(...indices: (number | null)[]): View {
    const left = Array.from(this.shape, (_, axis) => axis).filter((axis) => !isGiven(indices[axis]));
    const at = this.index(...this.shape.map((_, axis) => (left.includes(axis) ? 0 : Number(indices[axis]))));
    return new View(
      this.data,
      left.map((axis) => this.shape[axis]),
      left.map((axis) => this.stride[axis]),
      at,
    );
  }
}

/** A view of all values, in row-major order. */
const ndarray = (data: Float64Array, shape: number[]): NdArray => new View(data, shape, strideOf(shape), 0);

export default ndarray;
