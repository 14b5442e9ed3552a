/** The values of the pickles that CIFAR archives contain. */
/** A numpy array of uint8, row-major. Empty until the pickle sets its state. */
export class PickleArray {
  data: Uint8Array = new Uint8Array(0);
  shape: readonly number[] = [0];
}

/** A class or constructor of numpy, or the dtype `numpy.dtype('u1')`: only its name, nothing that can be called. */
export class PickleName {
  constructor(readonly name: string) {}
}

/** Python 2's str and Python 3's bytes become Uint8Array, a tuple or list an array, a dict a Map. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | PickleArray
  | PickleName
  | PickleValue[]
  | Map<string | number, PickleValue>;

export const latin1 = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};

/** A Python string of either kind as text; null for any other value. */
export function textOf(value: PickleValue | undefined): string | null {
  if (value instanceof Uint8Array) return latin1(value);
  return typeof value === 'string' ? value : null;
}

/** A tuple of sizes as a shape; null for any other value. */
export function shapeOf(value: PickleValue | undefined): number[] | null {
  if (!Array.isArray(value)) return null;
  const sizes = value.filter((size) => typeof size === 'number' && size >= 0);
  return sizes.length === value.length ? (sizes as number[]) : null;
}

/** Column-major data in row-major order. */
export function transpose(data: Uint8Array, rows: number, columns: number): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[i * columns + j] = data[j * rows + i];
  }
  return out;
}
