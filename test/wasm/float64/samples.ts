/** The kernels of the float64 module and the loops of their equations, in a memory whose other values must stay. */
import { uniform } from '../../../reference/index.js';
import { LANES } from '../../../src/wasm/float64/descriptors.js';
import type { Float64Exports } from '../../../src/wasm/float64/kernels.js';

/** Doubles between two blocks, which no kernel may change. */
const GUARD = 8;
const MARK = 12345.678;

/** Values in [−1, 1) that are the same in every run. */
const drawn = (size: number, stream: number): Float64Array =>
  Float64Array.from({ length: size }, (_, i) => 2 * uniform(7, stream, i) - 1);

/** The result first, then the inputs. */
export interface Float64Sample {
  readonly label: string;
  readonly blocks: readonly (Float64Array | Int32Array)[];
  readonly run: (kernels: Float64Exports, addresses: readonly number[]) => void;
  readonly want: Float64Array;
}

function multiplySample(rowTiles: number, columnTiles: number, depth: number): Float64Sample {
  const [rows, columns] = [4 * rowTiles, 4 * columnTiles];
  const [a, b, c] = [drawn(rows * depth, 1), drawn(columns * depth, 2), drawn(rows * columns, 3)];
  /** The place in panels of four. */
  const at = (i: number, k: number): number => (i - (i % 4)) * depth + 4 * k + (i % 4);
  const want = c.slice();
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      for (let k = 0; k < depth; k++) want[i * columns + j] += a[at(i, k)] * b[at(j, k)];
    }
  }
  return {
    label: `multiply ${rows}x${columns}, depth ${depth}`,
    blocks: [c, a, b],
    run: (kernels, [y, left, right]) => {
      kernels.multiply(y, left, right, rowTiles, columnTiles, depth);
    },
    want,
  };
}

function accumulateSample(tiles: number, depth: number, list: readonly number[]): Float64Sample {
  const [dx, w, g] = [drawn(4 * tiles * LANES, 4), drawn(4 * tiles * depth, 5), drawn(list.length * LANES, 6)];
  const want = dx.slice();
  for (let t = 0; t < 4 * tiles; t++) {
    for (let lane = 0; lane < LANES; lane++) {
      list.forEach((out, entry) => {
        want[t * LANES + lane] += w[(t - (t % 4)) * depth + 4 * out + (t % 4)] * g[entry * LANES + lane];
      });
    }
  }
  return {
    label: `accumulate ${tiles} tiles, outs ${list.join() || 'none'} of ${depth}`,
    blocks: [dx, w, g, Int32Array.from(list)],
    run: (kernels, [y, panels, gradients, outs]) => {
      kernels.accumulate(y, panels, gradients, outs, tiles, depth, list.length);
    },
    want,
  };
}

function depthwiseSample(height: number, width: number, p: number): Float64Sample {
  const size = 2 * p + 1;
  const [x, w] = [drawn(height * width, 8), drawn(size * size, 9)];
  const want = new Float64Array(height * width);
  for (let r = 0; r < height; r++) {
    for (let s = 0; s < width; s++) {
      let sum = 0.25;
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) {
          const [row, column] = [r + i - p, s + j - p];
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          sum += w[i * size + j] * x[row * width + column];
        }
      }
      want[r * width + s] = sum;
    }
  }
  return {
    label: `depthwise ${height}x${width}, p = ${p}`,
    blocks: [new Float64Array(height * width).fill(NaN), x, w],
    run: (kernels, [y, input, kernel]) => {
      kernels.depthwise(y, input, kernel, 0.25, height, width, p);
    },
    want,
  };
}

function depthwiseBackwardSample(height: number, width: number, p: number): Float64Sample {
  const size = 2 * p + 1;
  const [dy, w] = [drawn(height * width * LANES, 10), drawn(size * size, 11)];
  const want = new Float64Array(height * width * LANES);
  for (let r = 0; r < height; r++) {
    for (let s = 0; s < width; s++) {
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) {
          const [row, column] = [r + i - p, s + j - p];
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          for (let lane = 0; lane < LANES; lane++) {
            want[(row * width + column) * LANES + lane] += dy[(r * width + s) * LANES + lane] * w[i * size + j];
          }
        }
      }
    }
  }
  return {
    label: `depthwiseBackward ${height}x${width}, p = ${p}`,
    blocks: [new Float64Array(want.length).fill(NaN), dy, w],
    run: (kernels, [dx, output, kernel]) => {
      kernels.depthwiseBackward(dx, output, kernel, height, width, p);
    },
    want,
  };
}

const MAPS: readonly (readonly [height: number, width: number, p: number])[] = [
  [5, 6, 1],
  [4, 7, 3],
  [2, 1, 2],
  [1, 1, 0],
  [3, 3, 4],
  [1, 9, 2],
];

export const SAMPLES: readonly Float64Sample[] = [
  multiplySample(1, 1, 1),
  multiplySample(3, 2, 5),
  multiplySample(2, 3, 4),
  accumulateSample(1, 1, [0]),
  accumulateSample(2, 5, [0, 2, 3]),
  accumulateSample(3, 4, [3, 1]),
  accumulateSample(1, 4, []),
  ...MAPS.map((map) => depthwiseSample(...map)),
  ...MAPS.map((map) => depthwiseBackwardSample(...map)),
];

/** How a sample shows that the kernels are faulty; null if it does not. */
export function symptom(kernels: Float64Exports, { blocks, run, want }: Float64Sample): string | null {
  const total = blocks.reduce((sum, { length }) => sum + length + GUARD, GUARD);
  const { memory } = kernels;
  const base = Math.ceil(kernels.heapBase() / 8) * 8;
  const missing = base + 8 * total - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 2 ** 16));
  const values = new Float64Array(memory.buffer, base, total).fill(MARK);
  let next = GUARD;
  const addresses = blocks.map((block) => {
    const address = base + 8 * next;
    if (block instanceof Float64Array) values.set(block, next);
    else new Int32Array(memory.buffer, address, block.length).set(block);
    next += block.length + GUARD;
    return address;
  });
  const before = values.slice();
  try {
    run(kernels, addresses);
  } catch (trap) {
    if (trap instanceof Error && trap.name === 'RuntimeError') return trap.message;
    throw trap;
  }
  const wrong = want.findIndex((v, i) => !Object.is(v, values[GUARD + i]));
  if (wrong >= 0) return `element ${wrong}: ${values[GUARD + wrong]}, not ${want[wrong]}`;
  const stray = values.findIndex((v, i) => (i < GUARD || i >= GUARD + want.length) && !Object.is(v, before[i]));
  return stray < 0 ? null : `a write outside of the result, at ${stray}`;
}
