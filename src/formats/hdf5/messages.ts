/** What the thread that runs the HDF5 library and its owner tell each other. */

/** An array of a file: its type is named as in PyTorch, or null if it is none of numbers. */
export interface Hdf5Array {
  readonly shape: readonly number[];
  readonly dtype: string | null;
  /** Whether its bytes may be compressed. */
  readonly isChunked: boolean;
  /** Whether its values are those of arrays in other files. */
  readonly isVirtual: boolean;
}

/** A group or an array. */
export interface Hdf5Object {
  /** From the root, such as `/layers/conv2d`. */
  readonly path: string;
  /** Attributes that are text, or lists of it. */
  readonly texts: Readonly<Record<string, string | readonly string[]>>;
  /** Null for a group. */
  readonly array: Hdf5Array | null;
}

export type Request =
  | { readonly kind: 'open'; readonly size: number }
  | {
      /** Reads a block of an array: `count[i]` elements from `start[i]` on along axis i. */
      readonly kind: 'read';
      readonly path: string;
      readonly start: readonly number[];
      readonly count: readonly number[];
      /** Bytes of the block. */
      readonly size: number;
    }
  | { readonly kind: 'close' };

export type Reply =
  | { readonly kind: 'ready' }
  /** The library is not installed. */
  | { readonly kind: 'missing'; readonly reason: string }
  /** The thread waits for bytes of the file in the shared memory. */
  | { readonly kind: 'need'; readonly offset: number; readonly length: number }
  | { readonly kind: 'objects'; readonly objects: readonly Hdf5Object[] }
  | { readonly kind: 'block'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'closed' }
  | { readonly kind: 'refused'; readonly expected: string; readonly got: string };

/** Memory that the thread shares with its owner. */
export interface SharedMemory {
  /** [0]: 1 once the bytes are there; [1]: how many, -1 if they cannot be read. */
  readonly state: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

/** Bytes that are passed at once. */
const PASSED = 2 ** 20;

export const createSharedMemory = (): SharedMemory => ({
  state: new Int32Array(new SharedArrayBuffer(8)),
  bytes: new Uint8Array(new SharedArrayBuffer(PASSED)),
});
