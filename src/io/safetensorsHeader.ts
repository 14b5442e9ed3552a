/**
 * What a safetensors file says before its data: 8 bytes of length (u64, little
 * endian), then a JSON object.
 *
 *     {"__metadata__": {key: string}, name: {"dtype", "shape", "data_offsets": [begin, end]}, …}
 */
import { WeightsError } from '../core/errors.js';
import { messageOf } from '../core/messageOf.js';
import { formatShape, sizeOf } from '../core/tensor.js';
import { DTYPES, isDtype, type Dtype } from './dtypes.js';
import { scaleName } from './int8.js';
import { isRecord, show } from '../core/check.js';

/** A tensor in the file: offsets count from the end of the header. */
export interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  /** In the header's order; without the scales. */
  readonly entries: readonly Entry[];
  /** Of the tensors in I8, by their names. Each lies before its tensor. */
  readonly scales: ReadonlyMap<string, Entry>;
  /** What `__metadata__` holds: strings under strings. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Bytes of data behind the header. */
  readonly length: number;
}

/** Bytes that hold the header's length. */
export const PREFIX = 8;
/** The limit of the official reader. */
export const MAX_HEADER = 100_000_000;
/**
 * What a network can need of it, four times: 22 000 class names of 30 bytes, and the train form of a
 * hundred stages, each of 30 tensors described in 150 bytes, are 1 MB.
 */
export const MAX_STREAMED_HEADER = 2 ** 22;
export const METADATA = '__metadata__';
const BRACE = 0x7b;

const isSize = (v: unknown): v is number => Number.isSafeInteger(v) && (v as number) >= 0;
export const isSizes = (v: unknown): v is number[] => Array.isArray(v) && v.every(isSize);

/**
 * Bytes of the header behind these first ones.
 *
 * @throws WeightsError where they are too few, or say what no header is.
 */
export function headerLength(bytes: Uint8Array, op: string, limit = MAX_HEADER): number {
  if (bytes.length < PREFIX) {
    throw new WeightsError({ op, expected: `a header of at least ${PREFIX} bytes`, got: `${bytes.length} bytes` });
  }
  const declared = new DataView(bytes.buffer, bytes.byteOffset, PREFIX).getBigUint64(0, true);
  if (declared > BigInt(limit)) {
    const text = bytes[0] === BRACE ? ': this is JSON' : '';
    throw new WeightsError({ op, expected: `a header of at most ${limit} bytes`, got: `${declared}${text}` });
  }
  return Number(declared);
}

const HEADER = 'a header that is a JSON object';

/** Looks at the first byte of a header, or that there is none. @throws WeightsError */
export function checkBeginning(byte: number | undefined, op: string): void {
  if (byte === BRACE) return;
  throw new WeightsError({ op, expected: HEADER, got: 'another beginning: this is no safetensors file' });
}

function parse(bytes: Uint8Array, op: string): { text: string; header: Record<string, unknown> } {
  const refuse = (got: string, cause?: unknown): never => {
    throw new WeightsError({ op, expected: HEADER, got }, { cause });
  };
  checkBeginning(bytes[0], op);
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    return refuse(messageOf(cause), cause);
  }
  return isRecord(header) ? { text, header } : refuse(show(header));
}

function readEntry(name: string, value: unknown, file: string): Entry {
  const op = `${file}: ${name}`;
  const keys = isRecord(value) ? Object.keys(value).sort().join() : '';
  if (!isRecord(value) || keys !== 'data_offsets,dtype,shape') {
    throw new WeightsError({ op, expected: 'dtype, shape and data_offsets', got: show(value) });
  }
  const { dtype, shape, data_offsets } = value;
  if (!isDtype(dtype)) {
    throw new WeightsError({ op, expected: `a dtype of ${Object.keys(DTYPES).join(', ')}`, got: show(dtype) });
  }
  if (!isSizes(shape)) {
    throw new WeightsError({ op, expected: 'a shape of integers >= 0', got: show(shape) });
  }
  if (!isSizes(data_offsets) || data_offsets.length !== 2 || data_offsets[0] > data_offsets[1]) {
    throw new WeightsError({
      op,
      expected: 'data_offsets [begin, end] with 0 <= begin <= end',
      got: show(data_offsets),
    });
  }
  const [begin, end] = data_offsets;
  const needed = sizeOf(shape) * DTYPES[dtype].width;
  if (end - begin !== needed) {
    throw new WeightsError({
      op,
      expected: `${needed} bytes for ${dtype} ${formatShape(shape)}`,
      got: `${end - begin}`,
    });
  }
  return { name, dtype, shape, begin, end };
}

function readMetadata(value: unknown, file: string): ReadonlyMap<string, string> {
  const op = `${file}: ${METADATA}`;
  if (!isRecord(value)) throw new WeightsError({ op, expected: 'an object of strings', got: show(value) });
  const metadata = new Map<string, string>();
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw new WeightsError({ op, expected: 'only strings', got: `${show(text)} under ${show(key)}` });
    }
    metadata.set(key, text);
  }
  return metadata;
}

/**
 * JSON.parse keeps the last of two equal keys and says nothing; a tensor of which
 * two readers see different versions is refused. Each key has one colon outside
 * of strings.
 */
function refuseDuplicates(text: string, kept: number, op: string): void {
  let colons = 0;
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|:/g)) if (token === ':') colons++;
  if (colons !== kept) {
    throw new WeightsError({ op, expected: 'each key once', got: `${colons - kept} keys of the header twice` });
  }
}

/** Bytes that the tensors' ranges cover, which lie end to end. */
function coverage(entries: readonly Entry[], file: string): number {
  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      const what = begin < covered ? 'an overlap' : 'a hole';
      throw new WeightsError({
        op: `${file}: ${name}`,
        expected: `data_offsets from ${covered} on`,
        got: `${begin}: ${what}`,
      });
    }
    covered = end;
  }
  return covered;
}

/** The scales of each tensor in I8. */
function findScales(entries: readonly Entry[], file: string): Map<string, Entry> {
  const scales = new Map<string, Entry>();
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  for (const { name, dtype, shape, begin } of entries) {
    if (dtype !== 'I8') continue;
    if (shape.length < 2) {
      const expected = 'I8 of two dimensions or more, the output channels first';
      throw new WeightsError({ op: `${file}: ${name}`, expected, got: formatShape(shape) });
    }
    const op = `${file}: ${scaleName(name)}`;
    const expected = `F32 [${shape[0]}] before ${name}, which it scales`;
    const found = byName.get(scaleName(name));
    if (found === undefined) throw new WeightsError({ op, expected, got: 'none of that name' });
    if (found.dtype !== 'F32' || formatShape(found.shape) !== `[${shape[0]}]`) {
      throw new WeightsError({ op, expected, got: `${found.dtype} ${formatShape(found.shape)}` });
    }
    if (found.end > begin) throw new WeightsError({ op, expected, got: 'it behind' });
    scales.set(name, found);
  }
  return scales;
}

/**
 * Reads a header, all of which is checked: nothing is allocated for tensors yet.
 *
 * @param bytes behind the prefix, as many as that says
 * @param file how errors call the file
 * @throws WeightsError naming the file, the tensor, what was expected and what came.
 */
export function readHeader(bytes: Uint8Array, file: string): Header {
  const { text, header } = parse(bytes, file);
  const entries: Entry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [key, value] of Object.entries(header)) {
    if (key === METADATA) metadata = readMetadata(value, file);
    else entries.push(readEntry(key, value, file));
  }
  const keys = Object.keys(header).length + 3 * entries.length + metadata.size;
  refuseDuplicates(text, keys, file);
  const length = coverage(entries, file);
  const scales = findScales(entries, file);
  const hidden = new Set(scales.values());
  return { entries: entries.filter((entry) => !hidden.has(entry)), scales, metadata, length };
}
