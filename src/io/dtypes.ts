/**
 * The number formats of weight files. Each reads little-endian bytes of any alignment into an array of the caller;
 * the formats that are written also check and write. Arrays are copied without conversion, because all machines
 * that run this package are little endian.
 */
import { WeightsError } from '../core/errors.js';
import type { FloatArray } from '../core/tensor.js';

interface Readable {
  /** Bytes of one value. */
  readonly width: number;
  /** The type of array that represents all values exactly. */
  readonly Values: new (length: number) => FloatArray;
  /**
   * Fills `data` from the bytes of as many values.
   *
   * @param first index of the first value in the tensor, for errors
   * @throws WeightsError for a value that a float cannot represent
   */
  read(bytes: Uint8Array, data: FloatArray, op: string, first?: number): void;
}

interface Writable extends Readable {
  /** @throws WeightsError for a value that this format cannot represent */
  check(data: FloatArray, op: string): void;
  write(data: FloatArray, bytes: Uint8Array): void;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const bytesOf = (data: FloatArray | Uint32Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/*
 * Half precision has 1 sign bit, 5 exponent bits (bias 15) and 10 mantissa bits. Shifted to the positions of
 * float32, the exponent is too small by 127 - 15; a multiplication by a power of two corrects that for normal and
 * subnormal halves. An exponent of all ones (infinity, NaN) stays one.
 */
const HALF = { sign: 0x8000, exponent: 0x7c00, rest: 0x7fff, shift: 23 - 10, scale: 2 ** (127 - 15) };
const ONES = 0x7f800000;

/** Largest finite half. */
const MAX_HALF = 65504;
const TWO_52 = 2 ** 52;
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/**
 * The half nearest to a value, ties to even, directly from float64: through float32 it would be rounded twice.
 * Every NaN becomes the quiet NaN.
 */
function narrowHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  double[0] = value;
  const sign = (words[1] >>> 16) & 0x8000;
  const size = Math.abs(value);
  if (size === Infinity) return sign | 0x7c00;
  // Subnormal halves have the spacing of the smallest normal ones.
  const exponent = Math.max(((words[1] >>> 20) & 0x7ff) - 1023, -14);
  // A float64 of 2^52 or more has no fraction, so this addition rounds to even.
  const steps = size * 2 ** (10 - exponent) + TWO_52 - TWO_52;
  // Without the implicit bit. A mantissa that was rounded up to the next power of two carries into the exponent.
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
    const at = data.findIndex((v) => Number.isFinite(v) && !Number.isFinite(Math.fround(v)));
    if (at >= 0) {
      const got = `${data[at]} at element ${at}`;
      throw new WeightsError({ op, expected: 'values that float32 can hold', got, hint: 'Write float64.' });
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
    const at = data.findIndex((v) => Number.isFinite(v) && Math.abs(v) > MAX_HALF);
    if (at >= 0) {
      const expected = `values that float16 can hold, from -${MAX_HALF} to ${MAX_HALF}`;
      throw new WeightsError({ op, expected, got: `${data[at]} at element ${at}`, hint: 'Write float32.' });
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

/** A float64 represents every integer up to this one. */
const LIMIT = 2 ** 53;

const COUNTER_HINT = 'Set num_batches_tracked to 0: nothing is computed from it.';

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
          hint: COUNTER_HINT,
        });
      }
      data[i] = Number(value);
    }
  },
  check(data, op) {
    const bad = data.findIndex((v) => !Number.isInteger(v) || Math.abs(v) > LIMIT);
    if (bad >= 0) {
      const got = `${data[bad]} at element ${bad}`;
      throw new WeightsError({ op, expected: 'integers of at most 2^53', got, hint: COUNTER_HINT });
    }
  },
  write(data, bytes) {
    const view = viewOf(bytes);
    data.forEach((v, i) => {
      view.setBigInt64(8 * i, BigInt(v), true);
    });
  },
};

/** Integers to be multiplied by scales: see int8.ts. */
const I8: Readable = {
  width: 1,
  Values: Float32Array,
  read(bytes, data) {
    for (let i = 0; i < data.length; i++) data[i] = (bytes[i] << 24) >> 24;
  },
};

/** By their names in safetensors. */
export const DTYPES = { F64, F32, F16, BF16, I64, I8 } as const;

export type Dtype = keyof typeof DTYPES;

export const isDtype = (name: unknown): name is Dtype => typeof name === 'string' && Object.hasOwn(DTYPES, name);
