/** Where the tensors of a safetensors file are, and its header. */
import { WeightsError } from '../core/errors.js';
import { sizeOf } from '../core/tensor.js';
import { DTYPES, type Dtype } from './dtypes.js';
import { MAX_HEADER, METADATA, PREFIX } from './safetensorsHeader.js';

/** A tensor that is to be written. */
export interface LayoutEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

export interface Layout<T> {
  /** The length of the header, and the header, padded to a multiple of 8 bytes. */
  readonly head: Uint8Array;
  /** In the order of their bytes; positions count from the beginning of the file. */
  readonly entries: readonly { readonly entry: T; readonly begin: number; readonly end: number }[];
  /** Bytes of the file. */
  readonly size: number;
}

/**
 * Lays out a file: the header in the order of the entries, the data of the widest types first, as the official writer
 * does. So every tensor is aligned, and scales precede the int8 tensors that need them.
 *
 * @throws WeightsError if the header is too large
 */
export function layOut<T extends LayoutEntry>(
  entries: readonly T[],
  metadata: ReadonlyMap<string, string> | undefined,
): Layout<T> {
  const ordered = entries.map((entry, index) => ({ entry, index, begin: 0, end: 0 }));
  ordered.sort((a, b) => DTYPES[b.entry.dtype].width - DTYPES[a.entry.dtype].width);
  let length = 0;
  for (const each of ordered) {
    each.begin = length;
    each.end = length += sizeOf(each.entry.shape) * DTYPES[each.entry.dtype].width;
  }

  // Not an object: it would move keys like "0" to the front and drop "__proto__".
  const pair = (key: string, value: string): string => `${JSON.stringify(key)}:${value}`;
  const pairs = [...ordered]
    .sort((a, b) => a.index - b.index)
    .map(({ entry: { name, dtype, shape }, begin, end }) =>
      pair(name, JSON.stringify({ dtype, shape, data_offsets: [begin, end] })),
    );
  if (metadata !== undefined && metadata.size > 0) {
    const texts = [...metadata].map(([key, text]) => pair(key, JSON.stringify(text)));
    pairs.unshift(pair(METADATA, `{${texts.join(',')}}`));
  }
  const header = new TextEncoder().encode(`{${pairs.join(',')}}`);
  const start = PREFIX + Math.ceil(header.length / 8) * 8;
  if (start - PREFIX > MAX_HEADER) {
    throw new WeightsError({
      op: 'safetensors',
      expected: `a header of at most ${MAX_HEADER} bytes`,
      got: `${header.length}`,
      hint: 'Shorten the metadata, such as class_names, or the names of tensors.',
    });
  }
  const head = new Uint8Array(start).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(start - PREFIX), true);
  head.set(header, PREFIX);
  return {
    head,
    entries: ordered.map(({ entry, begin, end }) => ({ entry, begin: start + begin, end: start + end })),
    size: start + length,
  };
}
