/** Checks of weights that callers without types pass. */
import { isInteger, show, tagOf } from './check.js';
import { DETACHED, DETACHED_HINT, isDetached } from './detached.js';
import { ParamError } from './errors.js';
import type { FloatArray, StateDict, Tensor } from './tensor.js';

/** Bytes of a caller. @throws ParamError */
export function checkBytes(op: string, value: unknown): Uint8Array {
  if (!ArrayBuffer.isView(value) || tagOf(value) !== 'Uint8Array') {
    throw new ParamError({ op, expected: 'a Uint8Array', got: show(value) });
  }
  if (isDetached(value)) throw new ParamError({ op, expected: 'a Uint8Array', got: DETACHED, hint: DETACHED_HINT });
  return value as Uint8Array;
}

/** A name or path. @throws ParamError */
export function checkText(op: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new ParamError({ op, expected: 'a string', got: show(value) });
}

/** @throws ParamError */
export function checkMap(op: string, value: unknown): ReadonlyMap<unknown, unknown> {
  if (value instanceof Map || (tagOf(value) === 'Map' && typeof (value as Map<unknown, unknown>).get === 'function')) {
    return value as ReadonlyMap<unknown, unknown>;
  }
  throw new ParamError({ op, expected: 'a Map', got: show(value) });
}

/** A Map of strings. @throws ParamError */
export function checkTexts(op: string, value: unknown): ReadonlyMap<string, string> {
  const map = checkMap(op, value);
  for (const entry of map) {
    if (entry.every((each) => typeof each === 'string')) continue;
    throw new ParamError({ op, expected: 'a Map of strings', got: `${show(entry[1])} under ${show(entry[0])}` });
  }
  return map as ReadonlyMap<string, string>;
}

const isFloatArray = (value: unknown): value is FloatArray =>
  ArrayBuffer.isView(value) && ['Float32Array', 'Float64Array'].includes(tagOf(value));

function checkTensor(op: string, value: unknown): Tensor {
  const { data, shape } = (value ?? {}) as Partial<Tensor>;
  if (!isFloatArray(data)) {
    throw new ParamError({ op, expected: 'a tensor with data in a Float32Array or Float64Array', got: show(value) });
  }
  if (!Array.isArray(shape) || !shape.every((size) => isInteger(size))) {
    throw new ParamError({ op, expected: 'a tensor with a shape of integers', got: show(shape) });
  }
  return value as Tensor;
}

/** A Map of tensors by their names. @throws ParamError */
export function checkStateDict(op: string, value: unknown): StateDict {
  for (const [name, tensor] of checkMap(op, value)) checkTensor(`${op}: ${checkText(op, name)}`, tensor);
  return value as StateDict;
}
