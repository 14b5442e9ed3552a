/** Reads the safetensors format from a stream; only a part of a tensor is in memory at a time. */
import { WeightsError } from '../core/errors.js';
import { sizeOf } from '../core/tensor.js';
import type { WeightPart, WeightStream } from '../core/weights.js';
import { DTYPES } from './dtypes.js';
import { readScales, rescale } from './int8.js';
import { HEAD } from './fileKind.js';
import { isReadTimeout } from './readTimeout.js';
import {
  checkDataSize,
  checkHeaderSize,
  EXTRA_HINT,
  headerLength,
  isSafetensors,
  otherFile,
  PREFIX,
  readHeader,
  type Header,
} from './safetensorsHeader.js';

/** The maximum number of values in a part: 256 kB of float32 stay in the L2 cache until they are packed. */
const PART = 2 ** 16;

/** The size of parts of a tensor: a multiple of eight rows if possible, which are packed faster than parts of rows. */
function partOf(shape: readonly number[]): number {
  const rows = 8 * sizeOf(shape.slice(1));
  return rows === 0 || rows > PART ? PART : PART - (PART % rows);
}

/** A weight file whose header has been read. */
export interface StreamedWeights extends WeightStream {
  readonly metadata: ReadonlyMap<string, string>;
  /** Closes the source if the parts are not read. */
  close(): Promise<void>;
}

/** Reads any number of bytes at a time from chunks of any size. */
class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next byte, which remains to be read; undefined at the end. */
  async peek(): Promise<number | undefined> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      this.#chunk = next.value;
    }
    return this.#chunk[0];
  }

  /** Fills an array. @returns the number of bytes; fewer than its length only at the end */
  async fill(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length && (await this.peek()) !== undefined) {
      const taken = this.#chunk.subarray(0, target.length - filled);
      target.set(taken, filled);
      filled += taken.length;
      this.#chunk = this.#chunk.subarray(taken.length);
    }
    return filled;
  }

  /** As `fill`, but a stall counts as the end. */
  async fillWhatArrives(target: Uint8Array): Promise<number> {
    let filled = 0;
    try {
      while (filled < target.length && (await this.fill(target.subarray(filled, filled + 1))) === 1) filled++;
    } catch (error) {
      // The bytes that have arrived show what the file is.
      if (!isReadTimeout(error)) throw error;
    }
    return filled;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

/** Reads `size` bytes, or all if there are fewer. The memory grows with the bytes that arrive, not with `size`. */
async function readAll(reader: ChunkReader, size: number): Promise<Uint8Array> {
  let bytes = new Uint8Array(Math.min(size, PART));
  let length = await reader.fill(bytes);
  while (length === bytes.length && length < size) {
    const larger = new Uint8Array(Math.min(size, 2 * length));
    larger.set(bytes);
    length += await reader.fill(larger.subarray(length));
    bytes = larger;
  }
  return bytes.subarray(0, length);
}

/**
 * The length of the header.
 *
 * @throws WeightsError for another kind of file, after its first bytes: the rest could take forever
 */
async function readHeaderLength(reader: ChunkReader, file: string): Promise<number> {
  const head = new Uint8Array(HEAD);
  const length = await reader.fill(head.subarray(0, PREFIX));
  const first = await reader.peek();
  if (first === undefined) throw otherFile(head.subarray(0, length), file);
  head[PREFIX] = first;
  if (isSafetensors(head)) return headerLength(head, file);
  throw otherFile(head.subarray(0, PREFIX + (await reader.fillWhatArrives(head.subarray(PREFIX)))), file);
}

async function* partsOf(
  reader: ChunkReader,
  { entries, scales, length }: Header,
  file: string,
): AsyncGenerator<WeightPart> {
  const bytes = new Uint8Array(8 * PART);
  const [floats, doubles] = [new Float32Array(bytes.buffer, 0, PART), new Float64Array(bytes.buffer)];
  const widened = new Float32Array(PART);
  const require = (at: number, expected: number, count: number): void => {
    if (count === expected) return;
    checkDataSize(length, at + count, file);
  };
  const scaled = new Map([...scales].map(([name, entry]) => [entry, name]));
  const read = new Map<string, Float32Array>();
  try {
    for (const entry of [...entries, ...scales.values()].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
      const { name, dtype, shape, begin, end } = entry;
      const scales = scaled.get(entry);
      if (scales !== undefined) {
        const values = await readAll(reader, end - begin);
        require(begin, end - begin, values.length);
        read.set(scales, readScales(values, `${file}: ${name}`));
        continue;
      }
      const format = DTYPES[dtype];
      // A format as wide as its values is read in place.
      const values = format.Values === Float64Array ? doubles : format.width === 4 ? floats : widened;
      const [count, part] = [sizeOf(shape), partOf(shape)];
      const scale = read.get(name);
      for (let offset = 0; offset < count; offset += part) {
        const data = values.subarray(0, Math.min(part, count - offset));
        const encoded = bytes.subarray(0, data.length * format.width);
        require(begin + offset * format.width, encoded.length, await reader.fill(encoded));
        format.read(encoded, data, `${file}: ${name}`, offset);
        if (scale !== undefined) rescale(data, scale, offset, sizeOf(shape.slice(1)));
        yield { name, offset, data };
      }
    }
    if ((await reader.fill(bytes.subarray(0, 1))) > 0) {
      throw new WeightsError({ op: file, expected: `${length} bytes of data`, got: 'more', hint: EXTRA_HINT });
    }
  } finally {
    await reader.close();
  }
}

/**
 * Reads the header of a weight file, and its values on demand. Types are as in `decodeSafetensors`; empty tensors
 * have no parts.
 *
 * @param chunks the whole file; closed after the last part or an error
 * @param file the name of the file in errors
 * @param total bytes of the file, null if unknown; called when the first bytes have arrived
 * @throws WeightsError as `decodeSafetensors`
 */
export async function streamSafetensors(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
  total: () => number | null = () => null,
): Promise<StreamedWeights> {
  const reader = new ChunkReader(chunks);
  try {
    const size = await readHeaderLength(reader, file);
    const start = PREFIX + size;
    // Before memory is allocated for what the file cannot have.
    const bytes = total();
    if (bytes !== null) checkHeaderSize(start, bytes, file);
    const header = await readAll(reader, size);
    checkHeaderSize(start, PREFIX + header.length, file);
    const read = readHeader(header, file);
    if (bytes !== null) checkDataSize(read.length, bytes - start, file);
    return {
      metadata: read.metadata,
      shapes: new Map(read.entries.map(({ name, shape }) => [name, shape])),
      parts: () => partsOf(reader, read, file),
      close: () => reader.close(),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}
