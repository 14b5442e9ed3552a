/**
 * The number formats of weight files. A format reads little-endian bytes at any
 * alignment into an array of its own; the three that we write also check and write.
 * Whole arrays are copied as they lie in memory, which is little endian on every
 * machine that WebAssembly and this package run on.
 */
import { WeightsError } from '../core/errors.js';
import type { FloatArray } from '../core/tensor.js';

interface Readable {
  /** Bytes of one value. */
  readonly width: number;
  /** @throws WeightsError under `op` for a value that a float cannot hold. */
  read(bytes: Uint8Array, op: string): FloatArray;
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
  read(bytes) {
    const data = new Float64Array(bytes.length / 8);
    bytesOf(data).set(bytes);
    return data;
  },
  check: () => undefined,
  write(data, bytes) {
    bytes.set(bytesOf(data instanceof Float64Array ? data : new Float64Array(data)));
  },
};

const F32: Writable = {
  width: 4,
  read(bytes) {
    const data = new Float32Array(bytes.length / 4);
    bytesOf(data).set(bytes);
    return data;
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
  read(bytes) {
    const view = viewOf(bytes);
    return Float32Array.from({ length: bytes.length / 2 }, (_, i) => widenHalf(view.getUint16(2 * i, true)));
  },
};

/** The upper half of a float32. */
const BF16: Readable = {
  width: 2,
  read(bytes) {
    const view = viewOf(bytes);
    const data = new Float32Array(bytes.length / 2);
    const bits = new Uint32Array(data.buffer);
    for (let i = 0; i < bits.length; i++) bits[i] = view.getUint16(2 * i, true) << 16;
    return data;
  },
};

/** Up to here a float64 holds every integer. */
const LIMIT = 2 ** 53;

const I64: Writable = {
  width: 8,
  read(bytes, op) {
    const view = viewOf(bytes);
    return Float64Array.from({ length: bytes.length / 8 }, (_, i) => {
      const value = view.getBigInt64(8 * i, true);
      if (value > BigInt(LIMIT) || value < BigInt(-LIMIT)) {
        throw new WeightsError({
          op,
          expected: 'integers of at most 2^53',
          got: `${value.toString()} at element ${i}`,
        });
      }
      return Number(value);
    });
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
