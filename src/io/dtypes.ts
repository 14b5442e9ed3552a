/**
 * The number formats of weight files. A format reads little-endian bytes at any
 * alignment into an array that the caller gives; those that we write also check and write.
 * Whole arrays are copied as they lie in memory, which is little endian on every
 * machine that WebAssembly and this package run on.
 */
import { WeightsError } from '../core/errors.js';
import type { FloatArray } from '../core/tensor.js';

interface Readable {
  /** Bytes of one value. */
  readonly width: number;
  /** The array that holds its values, all of them exactly. */
  readonly Values: new (length: number) => FloatArray;
  /**
   * As many values as `data` has, from as many bytes as they take.
   *
   * @param first which of the tensor's values comes first, for the error
   * @throws WeightsError under `op` for a value that a float cannot hold.
   */
  read(bytes: Uint8Array, data: FloatArray, op: string, first?: number): void;
}

interface Writable extends Readable {
  /** @throws WeightsError under `op` for a value that this format cannot hold. */
  check(data: FloatArray, op: string): void;
  write(data: FloatArray, bytes: Uint8Array): void;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const bytesOf = (data: FloatArray | Uint32Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/*
 * Half precision is 1 sign, 5 exponent (bias 15) and 10 mantissa bits: a float32 with less of each. In its place
 * there, a half's exponent is 127 - 15 too small, which a product with a power of two mends, whether the half is
 * normal or not. All ones stand for infinity and NaN, which no product changes.
 */
const HALF = { sign: 0x8000, exponent: 0x7c00, rest: 0x7fff, shift: 23 - 10, scale: 2 ** (127 - 15) };
const ONES = 0x7f800000;

/** Largest finite half. */
const MAX_HALF = 65504;
const TWO_52 = 2 ** 52;
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/**
 * The half nearest to a value, of two equally near the even one, straight from
 * float64: by way of float32 it would be rounded twice. Every NaN becomes the quiet one.
 */
function narrowHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  double[0] = value;
  const sign = (words[1] >>> 16) & 0x8000;
  const size = Math.abs(value);
  if (size === Infinity) return sign | 0x7c00;
  // Below the smallest normal half, the steps stay as wide as those above it.
  const exponent = Math.max(((words[1] >>> 20) & 0x7ff) - 1023, -14);
  // Beyond 2^52 a float64 has no fraction left: adding it rounds to even.
  const steps = size * 2 ** (10 - exponent) + TWO_52 - TWO_52;
  // Steps without the implicit bit; rounded up to the next power of two, they carry into the exponent.
  return sign | (((exponent + 15) << 10) + (steps - 1024));
}

const F64: Writable = {
  width: 8,
  Values: Float64Array,
  read(bytes, data) {
    bytesOf(data).set(bytes);
  },
  check: () => undefined,
  write(data, bytes) {
    bytes.set(bytesOf(data instanceof Float64Array ? data : new Float64Array(data)));
  },
};

const F32: Writable = {
  width: 4,
  Values: Float32Array,
  read(bytes, data) {
    bytesOf(data).set(bytes);
  },
  check(data, op) {
    const lost = data.findIndex((v) => Number.isFinite(v) && !Number.isFinite(Math.fround(v)));
    if (lost >= 0) {
      throw new WeightsError({ op, expected: 'values that float32 can hold', got: `${data[lost]} at element ${lost}` });
    }
  },
  write(data, bytes) {
    bytes.set(bytesOf(data instanceof Float32Array ? data : new Float32Array(data)));
  },
};

const F16: Writable = {
  width: 2,
  Values: Float32Array,
  read(bytes, data) {
    const { sign, exponent, rest, shift, scale } = HALF;
    const view = viewOf(bytes);
    const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
    for (let i = 0; i < bits.length; i++) {
      const half = view.getUint16(2 * i, true);
      bits[i] = ((half & sign) << 16) | ((half & rest) << shift) | ((half & exponent) === exponent ? ONES : 0);
    }
    for (let i = 0; i < data.length; i++) data[i] *= scale;
  },
  check(data, op) {
    const lost = data.findIndex((v) => Number.isFinite(v) && Math.abs(v) > MAX_HALF);
    if (lost >= 0) {
      const expected = `values that float16 can hold, from -${MAX_HALF} to ${MAX_HALF}`;
      throw new WeightsError({ op, expected, got: `${data[lost]} at element ${lost}` });
    }
  },
  write(data, bytes) {
    const view = viewOf(bytes);
    for (let i = 0; i < data.length; i++) view.setUint16(2 * i, narrowHalf(data[i]), true);
  },
};

/** The upper half of a float32. */
const BF16: Readable = {
  width: 2,
  Values: Float32Array,
  read(bytes, data) {
    const view = viewOf(bytes);
    const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
    for (let i = 0; i < bits.length; i++) bits[i] = view.getUint16(2 * i, true) << 16;
  },
};

/** Up to here a float64 holds every integer. */
const LIMIT = 2 ** 53;

const I64: Writable = {
  width: 8,
  Values: Float64Array,
  read(bytes, data, op, first = 0) {
    const view = viewOf(bytes);
    for (let i = 0; i < data.length; i++) {
      const value = view.getBigInt64(8 * i, true);
      if (value > BigInt(LIMIT) || value < BigInt(-LIMIT)) {
        throw new WeightsError({
          op,
          expected: 'integers of at most 2^53',
          got: `${value.toString()} at element ${first + i}`,
        });
      }
      data[i] = Number(value);
    }
  },
  check(data, op) {
    const bad = data.findIndex((v) => !Number.isInteger(v) || Math.abs(v) > LIMIT);
    if (bad >= 0) {
      throw new WeightsError({ op, expected: 'integers of at most 2^53', got: `${data[bad]} at element ${bad}` });
    }
  },
  write(data, bytes) {
    const view = viewOf(bytes);
    data.forEach((v, i) => {
      view.setBigInt64(8 * i, BigInt(v), true);
    });
  },
};

/** Whole numbers, which mean nothing without their scales: see int8.ts. */
const I8: Readable = {
  width: 1,
  Values: Float32Array,
  read(bytes, data) {
    for (let i = 0; i < data.length; i++) data[i] = (bytes[i] << 24) >> 24;
  },
};

/** By the names the format gives them. */
export const DTYPES = { F64, F32, F16, BF16, I64, I8 } as const;

export type Dtype = keyof typeof DTYPES;

export const isDtype = (name: unknown): name is Dtype => typeof name === 'string' && Object.hasOwn(DTYPES, name);
