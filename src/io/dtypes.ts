/**
 * The number formats of weight files. A format reads little-endian bytes at any
 * alignment into an array that the caller gives; the three that we write also check and write.
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

/** Half precision: 1 sign, 5 exponent (bias 15), 10 mantissa bits. */
function widenHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
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

const F16: Readable = {
  width: 2,
  Values: Float32Array,
  read(bytes, data) {
    const view = viewOf(bytes);
    for (let i = 0; i < data.length; i++) data[i] = widenHalf(view.getUint16(2 * i, true));
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

/** By the names the format gives them. */
export const DTYPES = { F64, F32, F16, BF16, I64 } as const;

export type Dtype = keyof typeof DTYPES;

export const isDtype = (name: unknown): name is Dtype => typeof name === 'string' && Object.hasOwn(DTYPES, name);
