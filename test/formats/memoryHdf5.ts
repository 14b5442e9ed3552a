/** An HDF5 file of objects in memory, in place of the library. */
import { sizeOf } from '../../src/core/tensor.js';
import type { Hdf5Array, Hdf5Object } from '../../src/formats/hdf5/messages.js';
import type { Hdf5 } from '../../src/formats/hdf5/openHdf5.js';
import { rowMajorStrides } from '../../src/formats/strides.js';
import { stridedTensor } from '../../src/formats/stridedTensor.js';

/** A group with text attributes, or the shape of an array of float32, whose values are 1, 2, 3, …. */
export type MemoryObject = Hdf5Object['texts'] | { readonly shape: readonly number[] };

export interface MemoryHdf5 extends Hdf5 {
  readonly isClosed: boolean;
}

const arrayOf = (shape: readonly number[]): Hdf5Array => ({
  ...{ shape, dtype: 'float32', isChunked: false, isVirtual: false },
});

const isArray = (object: MemoryObject): object is { readonly shape: readonly number[] } =>
  Array.isArray(object['shape']) && object['shape'].every((size) => typeof size === 'number');

/** @param objects by their paths */
export function memoryHdf5(objects: Readonly<Record<string, MemoryObject>>): MemoryHdf5 {
  let isClosed = false;
  return {
    objects: Object.entries(objects).map(([path, object]) =>
      isArray(object) ? { path, texts: {}, array: arrayOf(object.shape) } : { path, texts: object, array: null },
    ),
    tensor(path, { shape }, axes) {
      const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => i + 1);
      const strides = rowMajorStrides(shape);
      const view = {
        ...{ dtype: 'float32', offset: 0 },
        shape: axes.map((axis) => (axis === null ? 1 : shape[axis])),
        strides: axes.map((axis) => (axis === null ? 1 : strides[axis])),
      };
      const read = (offset: number, length: number): Promise<Uint8Array> =>
        Promise.resolve(new Uint8Array(values.buffer, offset, length));
      return stridedTensor(view, () => Promise.resolve({ size: values.byteLength, read }), values.length, path);
    },
    close() {
      isClosed = true;
      return Promise.resolve();
    },
    get isClosed() {
      return isClosed;
    },
  };
}
