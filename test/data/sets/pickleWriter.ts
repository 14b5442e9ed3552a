/**
 * Writes pickles like those of CIFAR-10, by Python 2: protocol 2, byte strings, arrays by `_reconstruct` and BUILD. For
 * tests with small and invalid batches.
 */
const text = (value: string): number[] => [...Buffer.from(value, 'latin1')];
const uint32 = (v: number): number[] => [v & 255, (v >>> 8) & 255, (v >>> 16) & 255, v >>> 24];

export const str = (value: string): number[] => [0x55, value.length, ...text(value)];
export const int = (value: number): number[] => [0x4a, ...uint32(value)];
export const global = (module: string, name: string): number[] => [0x63, ...text(`${module}\n${name}\n`)];
export const tuple = (...items: number[][]): number[] => [0x28, ...items.flat(), 0x74];
export const list = (items: number[][]): number[] => [0x5d, 0x28, ...items.flat(), 0x65];
export const dict = (items: Readonly<Record<string, number[]>>): number[] => [
  ...[0x7d, 0x28],
  ...Object.entries(items).flatMap(([key, value]) => [...str(key), ...value]),
  0x75,
];
export const bytes = (value: Uint8Array): number[] => [0x54, ...uint32(value.length), ...value];

type ByteOrder = '<' | '>' | '|';

/** A numpy.dtype. */
function dtype(code: string, order: ByteOrder): number[] {
  const type = [...global('numpy', 'dtype'), ...tuple(str(code), int(0), int(1)), 0x52];
  return [...type, ...tuple(int(3), str(order), [0x4e], [0x4e], [0x4e], int(-1), int(-1), int(0)), 0x62];
}

/** A numpy.ndarray. */
export function array(
  shape: readonly number[],
  value: Uint8Array,
  code = 'u1',
  order: ByteOrder = '|',
  isFortran = false,
): number[] {
  const empty = tuple(global('numpy', 'ndarray'), tuple(int(0)), str('b'));
  const fortran = [isFortran ? 0x88 : 0x89];
  const state = tuple(int(1), tuple(...shape.map(int)), dtype(code, order), fortran, bytes(value));
  return [...global('numpy.core.multiarray', '_reconstruct'), ...empty, 0x52, ...state, 0x62];
}

/** A scalar of numpy, such as numpy.int64. */
export const scalar = (value: Uint8Array, code: string, order: ByteOrder = '<'): number[] => [
  ...global('numpy.core.multiarray', 'scalar'),
  ...tuple(dtype(code, order), bytes(value)),
  0x52,
];

/** A file of the given instructions. */
export const pickle = (instructions: number[]): Uint8Array => Uint8Array.from([0x80, 2, ...instructions, 0x2e]);
