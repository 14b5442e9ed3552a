/** Arguments that no caller should pass, and some do: of wrong types, from other realms, or with traps. */
import { runInNewContext } from 'node:vm';
import { tensor, type Tensor } from '../../reference/index.js';
import { CallerError } from './outcome.js';
import type { Random } from './random.js';

const trap = (): never => {
  throw new CallerError('of the input');
};

/** Every access throws. */
const trappedProxy = (): object =>
  new Proxy(
    {},
    { get: trap, has: trap, ownKeys: trap, getOwnPropertyDescriptor: trap, getPrototypeOf: trap, set: trap },
  );

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const withGetter = (): object => Object.defineProperty({}, 'length', { get: trap, enumerable: true });

function cycle(): object {
  const object: Record<string, unknown> = { a: 1 };
  object['self'] = object;
  return object;
}

function cyclicArray(): unknown[] {
  const list: unknown[] = [1];
  list.push(list);
  return list;
}

function deep(): unknown {
  let value: unknown = 0;
  for (let i = 0; i < 20_000; i++) value = [value];
  return value;
}

function detached(): Float32Array {
  const array = new Float32Array(12);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

/** A view of a buffer that can be resized, which some functions of the platform refuse. */
function resizable(): Uint8Array {
  const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
  return new Uint8Array(new Resizable(8, { maxByteLength: 16 }));
}

/** Values of another realm: `instanceof` of this one does not know them. */
const FOREIGN = runInNewContext(`({
  array: () => [1, 2, 3],
  floats: () => new Float32Array([1, 2, 3]),
  bytes: () => new Uint8Array([1, 2, 3]),
  map: () => new Map([['a', 1]]),
  object: () => ({ a: 1 }),
  copy: (values) => Array.from(values),
  copyFloats: (values) => new Float32Array(values),
})`) as {
  readonly [key in 'array' | 'floats' | 'bytes' | 'map' | 'object']: () => unknown;
} & { readonly copy: (values: unknown) => unknown; readonly copyFloats: (values: unknown) => unknown };

const aborted = (): AbortSignal => AbortSignal.abort(new CallerError('aborted'));

const NUMBERS = [
  ...[NaN, Infinity, -Infinity, -0, 0, -1, 1, 2, 3, 0.5, 1.5, 255, 256, 65535, 65536, 2 ** 24, 2 ** 31 - 1, 2 ** 31],
  ...[2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e21, 1e308, -1e308, 5e-324, 1e-320],
];

const TEXTS = [
  ...[
    '',
    ' ',
    'x',
    '0',
    '1',
    'null',
    '__proto__',
    'constructor',
    'toString',
    'length',
    '\ud800',
    'é',
    '🐱',
    '\0',
    '../x',
  ],
  ...['file:///none', 'http://', 'a\nb', 'x'.repeat(5000), '\ud800'.repeat(300)],
];

export const hostileNumber = (random: Random): number => random.pick(NUMBERS);

const MAKERS: readonly ((random: Random) => unknown)[] = [
  () => undefined,
  () => null,
  () => true,
  () => false,
  hostileNumber,
  hostileNumber,
  hostileNumber,
  (random) => random.pick(TEXTS),
  (random) => random.pick(TEXTS),
  () => Symbol('s'),
  () => 1n,
  () => 2n ** 100n,
  () => () => undefined,
  () => trap,
  () => new Date(NaN),
  () => /x/,
  () => new Error('e'),
  () => new String('x'),
  () => new Number(3),
  () => Promise.resolve(),
  () => Promise.resolve(null),
  () => ({ then: trap }),
  () => ({}),
  () => Object.create(null) as unknown,
  () => Object.freeze({}),
  () => ({ a: 1, b: [1, 2] }),
  () => ({ data: [1], shape: [1] }),
  () => ({ length: 3 }),
  () => ({ length: -1 }),
  () => ({ length: 2 ** 32 }),
  () => ({ length: 2 ** 53 - 1 }),
  () => ({ toString: trap, valueOf: trap }),
  () => ({ toString: 1, valueOf: 1, toJSON: trap }),
  () => ({ [Symbol.iterator]: trap }),
  () => ({ [Symbol.asyncIterator]: trap }),
  () => ({ [Symbol.toPrimitive]: trap }),
  () => [],
  () => [[]],
  () => [null],
  () => [undefined, NaN],
  (): unknown => new Array<unknown>(5),
  (): unknown => new Array<unknown>(100_000),
  () => ['a', 'a'],
  () => [Symbol('s'), 1n],
  (random) => [hostileNumber(random), hostileNumber(random)],
  (random) => Object.freeze([hostileNumber(random)]),
  cycle,
  cyclicArray,
  deep,
  trappedProxy,
  revokedProxy,
  withGetter,
  () => new Uint8Array(0),
  () => new Uint8Array(3),
  () => new Uint8ClampedArray(12),
  () => new Int32Array([-1, 0, 2 ** 30]),
  () => new Float32Array(12),
  () => new Float32Array([NaN, Infinity, -0]),
  () => new Float64Array([1e308, -1e308]),
  () => new BigInt64Array(3),
  detached,
  () => new Float32Array(new SharedArrayBuffer(48)),
  () => new Uint8Array(new SharedArrayBuffer(12)),
  resizable,
  () => new DataView(new ArrayBuffer(8)),
  () => new ArrayBuffer(8),
  () => new SharedArrayBuffer(8),
  () => Buffer.from('abc'),
  () => new Map(),
  () =>
    new Map<unknown, unknown>([
      ['a', null],
      [1, 2],
    ]),
  () => new Set([1]),
  () => new WeakMap(),
  FOREIGN.array,
  FOREIGN.floats,
  FOREIGN.bytes,
  FOREIGN.map,
  FOREIGN.object,
  aborted,
  () => new AbortController().signal,
  () => globalThis,
];

export const hostileValue = (random: Random): unknown => random.pick(MAKERS)(random);

const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'stride' in value && 'shape' in value && 'pick' in value;

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/** The same value in another guise: what code may take for granted of it is not so. */
function disguise(random: Random, value: unknown): unknown {
  if (isList(value)) {
    const list = value.slice();
    return random.pick<() => unknown>([
      () => FOREIGN.copy(list),
      () => Object.freeze(list),
      () => new Proxy(list, {}),
    ])();
  }
  if (value instanceof Float32Array) {
    const shared = new Float32Array(new SharedArrayBuffer(value.byteLength));
    shared.set(value);
    return random.pick([shared, FOREIGN.copyFloats(value), Float64Array.from(value), [...value]]);
  }
  if (value instanceof Uint8Array) {
    const shared = new Uint8Array(new SharedArrayBuffer(value.byteLength));
    shared.set(value);
    return random.pick<unknown>([shared, Buffer.from(value), new Uint8ClampedArray(value), [...value]]);
  }
  if (isPlain(value)) {
    const bare = Object.assign(Object.create(null) as object, value);
    return random.pick<unknown>([bare, Object.freeze({ ...value }), new Proxy(value, {}), Object.create(value)]);
  }
  return hostileValue(random);
}

/** A number near the valid one, or a hostile one. */
const nearNumber = (random: Random, value: number): number =>
  random.chance(0.5) ? value + random.pick([-2, -1, 1, 2, 0.5]) : hostileNumber(random);

/** One value of the tree is replaced. Values that are not plain containers are replaced as a whole. */
export function corrupt(random: Random, value: unknown): unknown {
  if (random.chance(0.3)) return hostileValue(random);
  if (random.chance(0.15)) return disguise(random, value);
  if (typeof value === 'number') return nearNumber(random, value);
  if (isList(value)) return corruptList(random, value);
  if (isTensor(value)) return corruptTensor(random, value);
  if (value instanceof Map) {
    const map = new Map<unknown, unknown>(value);
    const keys = [...map.keys()];
    if (keys.length === 0 || random.chance(0.2))
      return map.set(random.chance(0.5) ? 'x' : hostileValue(random), hostileValue(random));
    const key = random.pick(keys);
    if (random.chance(0.2)) map.delete(key);
    else map.set(key, corrupt(random, map.get(key)));
    return map;
  }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return corruptArray(random, value as Float32Array);
  if (isPlain(value)) return corruptObject(random, value);
  return hostileValue(random);
}

function corruptList(random: Random, list: readonly unknown[]): unknown {
  const at = random.integer(0, Math.max(0, list.length - 1));
  switch (random.integer(0, 6)) {
    case 0:
      return list.toSpliced(at, 1);
    case 1:
      return list.toSpliced(at, 0, hostileValue(random));
    default:
      return list.length === 0 ? [hostileValue(random)] : list.with(at, corrupt(random, list[at]));
  }
}

/** A tensor of another shape, or with values that are not finite. */
function corruptTensor(random: Random, { shape, data: values }: Tensor): Tensor {
  const sizes: number[] = shape.slice();
  // Inputs may share tensors.
  const data = values.slice();
  switch (random.integer(0, 3)) {
    case 0:
      data[random.integer(0, data.length - 1)] = random.pick([NaN, Infinity, -Infinity, 1e300]);
      break;
    case 1:
      sizes.push(1);
      break;
    case 2:
      sizes.pop();
      break;
    default:
      sizes[random.integer(0, Math.max(0, sizes.length - 1))] = random.integer(0, 5);
  }
  const count = sizes.reduce((a, b) => a * b, 1);
  return tensor(
    Array.from({ length: count }, (_, i) => data[i % data.length] ?? 0),
    sizes,
  );
}

function corruptArray(random: Random, value: Float32Array): unknown {
  if (random.chance(0.3)) return value.subarray(0, Math.max(0, value.length - random.integer(1, 3)));
  const copy = value.slice();
  if (copy.length > 0) copy[random.integer(0, copy.length - 1)] = random.pick([NaN, Infinity, -Infinity, 1e30, 0, -1]);
  return copy;
}

function corruptObject(random: Random, value: Record<string, unknown>): unknown {
  const keys = Object.keys(value);
  const copy: Record<string, unknown> = { ...value };
  if (keys.length === 0 || random.chance(0.1)) return { ...copy, [random.pick(TEXTS)]: hostileValue(random) };
  const key = random.pick(keys);
  if (random.chance(0.15)) {
    const { [key]: _, ...rest } = copy;
    return rest;
  }
  if (random.chance(0.05)) return Object.defineProperty(copy, key, { get: trap, enumerable: true });
  copy[key] = corrupt(random, copy[key]);
  return copy;
}

/** As `corrupt`; a value that cannot even be copied is hostile enough, such as a detached array. */
function corruptSafely(random: Random, value: unknown): unknown {
  try {
    return corrupt(random, value);
  } catch {
    return value;
  }
}

/** Valid arguments, or with one or two hostile ones among them. */
export function corruptArguments(random: Random, valid: readonly unknown[]): readonly unknown[] {
  if (random.chance(0.2)) return valid;
  let list: unknown[] = valid.slice();
  for (let count = 1 + random.few(2); count > 0; count--) {
    if (random.chance(0.05)) list = list.slice(0, random.integer(0, list.length));
    else if (list.length > 0) {
      const at = random.integer(0, list.length - 1);
      list[at] = corruptSafely(random, list[at]);
    }
  }
  return list;
}
