import { inspect, types } from 'node:util';
import { corruptArguments } from './hostile.js';
import type { Random } from './random.js';

/** An input that has been drawn. It is used once: a call may change, transfer or consume it. */
export interface Input {
  /** Its bytes, to which allocations are compared. */
  readonly size: number;
  run(): unknown;
  /** What it is, for the report: the bytes of a file, or the arguments of a call in words. */
  show(): Uint8Array | string;
}

/** A reader or function under test. */
export interface Target {
  /** `tar`, or the entry and the export: `core.resize`. */
  readonly name: string;
  /** Draws an input; the same one for an equal generator. */
  draw(random: Random): Input | Promise<Input>;
  /** Bytes that a call may allocate beyond `FACTOR` times its input. */
  readonly allowance: number;
  /** Whether equal inputs have equal answers: true but for those that depend on time or on the machine. */
  readonly isDeterministic: boolean;
}

/** A call may allocate this many times the bytes of its input, and the allowance of its target. */
export const FACTOR = 4;

export interface Traits extends Partial<Pick<Target, 'allowance' | 'isDeterministic'>> {
  /**
   * Sizes above it, up to 2³⁰, are drawn again: the caller has asked for so much work, and the call does it. Larger sizes
   * must be refused. Default: none.
   */
  readonly longest?: number;
}

const MIB = 2 ** 20;

/** Buffers of fixed size, and objects on the heap. */
const DEFAULTS: Pick<Target, 'allowance' | 'isDeterministic'> = {
  allowance: 4 * MIB,
  isDeterministic: true,
};

/** A reader of a file's bytes. @param draw a file, whole or damaged */
export const reader = (
  name: string,
  draw: (random: Random) => Uint8Array | Promise<Uint8Array>,
  read: (bytes: Uint8Array, random: Random) => unknown,
  traits: Traits = {},
): Target => ({
  ...{ ...DEFAULTS, ...traits, name },
  async draw(random) {
    const bytes = await draw(random);
    return { size: bytes.length, run: () => read(bytes, random), show: () => bytes };
  },
});

/** Bytes of buffers and texts in arguments; those of values with traps do not count. */
export function sizeOfArguments(values: readonly unknown[]): number {
  try {
    return sizeOfValue(values);
  } catch {
    return 0;
  }
}

/** Lists that are not looked through: they are drawn as a whole, and have no parts that matter. */
const isLongList = (value: object): boolean => !types.isProxy(value) && Array.isArray(value) && value.length > 1000;

function sizeOfValue(value: unknown, depth = 4): number {
  if (typeof value === 'string') return 2 * value.length;
  if (typeof value !== 'object' || value === null || depth === 0) return 0;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (isLongList(value)) return 8 * (value as readonly unknown[]).length;
  const prototype: unknown = types.isProxy(value) ? null : Object.getPrototypeOf(value);
  if (value instanceof Map) return sizeOfValue([...(value as Map<unknown, unknown>).values()], depth);
  if (prototype !== Object.prototype && prototype !== Array.prototype) return 0;
  let size = 0;
  for (const { value: each } of Object.values(Object.getOwnPropertyDescriptors(value))) {
    size += 8 + sizeOfValue(each, depth - 1);
  }
  return size;
}

export const showArguments = (values: readonly unknown[]): string =>
  inspect(values, { depth: 5, maxArrayLength: 40, maxStringLength: 200, breakLength: 120, getters: false });

/** Whether a number among the arguments asks for much work, but not for more than a machine can do. */
function isLongWork(value: unknown, longest = Infinity, depth = 4): boolean {
  if (longest === Infinity) return false;
  if (typeof value === 'number') return value > longest && value <= 2 ** 30;
  if (typeof value !== 'object' || value === null || depth === 0 || ArrayBuffer.isView(value)) return false;
  if (isLongList(value)) return false;
  try {
    return Object.entries(Object.getOwnPropertyDescriptors(value)).some(
      // The strides of an ndarray are products of sizes.
      ([key, { value: each }]) => key !== 'stride' && isLongWork(each, longest, depth - 1),
    );
  } catch {
    return false;
  }
}

/**
 * A function with valid and hostile arguments.
 *
 * @param draw valid arguments
 */
export const callable = <Arguments extends readonly unknown[]>(
  name: string,
  f: (...values: Arguments) => unknown,
  draw: (random: Random) => NoInfer<Arguments> | Promise<NoInfer<Arguments>>,
  traits: Traits = {},
): Target => ({
  ...{ ...DEFAULTS, ...traits, name },
  async draw(random) {
    const valid = await draw(random);
    let values = corruptArguments(random, valid);
    while (isLongWork(values, traits.longest)) values = corruptArguments(random, valid);
    return {
      size: sizeOfArguments(values),
      run: () => f(...(values as unknown as Arguments)),
      show: () => showArguments(values),
    };
  },
});
