/**
 * The safetensors format: 8 bytes of header length (u64, little endian), a JSON
 * header, then the tensors' bytes without gaps.
 *
 *     {"__metadata__": {key: string}, name: {"dtype", "shape", "data_offsets": [begin, end]}, …}
 *
 * Offsets count from the end of the header. Runs wherever JavaScript does.
 */
import { WeightsError } from '../core/errors.js';
import { formatShape, sizeOf, type FloatArray, type StateDict, type Tensor } from '../core/tensor.js';
import { DTYPES, isDtype, type Dtype } from './dtypes.js';

/** A weight file's content. Metadata is what `__metadata__` holds: strings under strings. */
export interface Weights {
  readonly tensors: StateDict;
  readonly metadata: ReadonlyMap<string, string>;
}

export interface EncodeOptions {
  readonly metadata?: ReadonlyMap<string, string>;
  /** One type for all; by default each tensor keeps its array's. */
  readonly dtype?: 'float32' | 'float64';
}

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const PREFIX = 8;
/** The limit of the official reader. */
const MAX_HEADER = 100_000_000;
const METADATA = '__metadata__';
const BRACE = 0x7b;

const isSize = (v: unknown): v is number => Number.isSafeInteger(v) && (v as number) >= 0;
const isSizes = (v: unknown): v is number[] => Array.isArray(v) && v.every(isSize);
const isRecord = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

/** What came, short enough for one line. */
function show(value: unknown): string {
  const text = value === undefined ? 'none' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function readHeader(bytes: Uint8Array, op: string): { text: string; header: Record<string, unknown>; start: number } {
  if (bytes.length < PREFIX) {
    throw new WeightsError({ op, expected: `a header of at least ${PREFIX} bytes`, got: `${bytes.length} bytes` });
  }
  const declared = new DataView(bytes.buffer, bytes.byteOffset, PREFIX).getBigUint64(0, true);
  if (declared > BigInt(MAX_HEADER)) {
    throw new WeightsError({ op, expected: `a header of at most ${MAX_HEADER} bytes`, got: declared.toString() });
  }
  const start = PREFIX + Number(declared);
  if (start > bytes.length) {
    throw new WeightsError({ op, expected: `${start} bytes of header`, got: `${bytes.length} bytes: it is cut short` });
  }
  const refuse = (got: string, cause?: unknown): never => {
    throw new WeightsError({ op, expected: 'a header that is a JSON object', got }, { cause });
  };
  if (bytes[PREFIX] !== BRACE) refuse('another beginning: this is no safetensors file');
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(PREFIX, start));
    header = JSON.parse(text);
  } catch (cause) {
    return refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
  return isRecord(header) ? { text, header, start } : refuse(show(header));
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

/** The tensors' ranges, end to end, must be exactly the data. */
function checkCoverage(entries: readonly Entry[], available: number, file: string): void {
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
  if (covered !== available) {
    throw new WeightsError({ op: file, expected: `${covered} bytes of data`, got: `${available}` });
  }
}

/**
 * Reads a weight file. F32, F16 and BF16 become Float32Array, F64 and I64
 * Float64Array, all of them exactly; the order is the header's. Nothing is
 * allocated before the whole header is checked, and nothing aliases `bytes`.
 *
 * @param name how errors call the file.
 * @throws WeightsError naming the file, the tensor, what was expected and what came.
 */
export function decodeSafetensors(bytes: Uint8Array, name = 'safetensors'): Weights {
  const { text, header, start } = readHeader(bytes, name);
  const entries: Entry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [key, value] of Object.entries(header)) {
    if (key === METADATA) metadata = readMetadata(value, name);
    else entries.push(readEntry(key, value, name));
  }
  const keys = Object.keys(header).length + 3 * entries.length + metadata.size;
  refuseDuplicates(text, keys, name);
  checkCoverage(entries, bytes.length - start, name);

  const tensors = new Map<string, Tensor>();
  for (const { name: key, dtype, shape, begin, end } of entries) {
    const data = DTYPES[dtype].read(bytes.subarray(start + begin, start + end), `${name}: ${key}`);
    tensors.set(key, { data, shape });
  }
  return { tensors, metadata };
}

/** PyTorch's load_state_dict wants its batch counters back as int64. */
function dtypeFor(name: string, data: FloatArray, forced: EncodeOptions['dtype']): 'F32' | 'F64' | 'I64' {
  if (name.endsWith('.num_batches_tracked')) return 'I64';
  if (forced !== undefined) return forced === 'float32' ? 'F32' : 'F64';
  return data instanceof Float32Array ? 'F32' : 'F64';
}

/**
 * Writes a weight file: the header in the Map's order, the data with the widest
 * types first, as the official writer lays it out, so that every tensor is aligned.
 *
 * @throws WeightsError for a tensor whose length is not its shape's, a counter
 *   that is no integer, or a value that float32 cannot hold.
 */
export function encodeSafetensors(tensors: StateDict, { metadata, dtype: forced }: EncodeOptions = {}): Uint8Array {
  const planned = [...tensors].map(([name, { data, shape }]) => {
    const dtype = dtypeFor(name, data, forced);
    if (name === METADATA) {
      throw new WeightsError({ op: name, expected: 'a tensor name', got: 'the name that the format keeps for itself' });
    }
    if (!isSizes(shape) || data.length !== sizeOf(shape)) {
      throw new WeightsError({
        op: name,
        expected: `the values of ${formatShape(shape)}`,
        got: `${data.length} values`,
      });
    }
    DTYPES[dtype].check(data, name);
    return { name, dtype, data, shape, begin: 0, end: 0 };
  });

  let end = 0;
  for (const entry of [...planned].sort((a, b) => DTYPES[b.dtype].width - DTYPES[a.dtype].width)) {
    entry.begin = end;
    entry.end = end += entry.data.length * DTYPES[entry.dtype].width;
  }

  // Joined by hand: an object would move keys like "0" to the front and swallow "__proto__".
  const pair = (key: string, value: string): string => `${JSON.stringify(key)}:${value}`;
  const pairs = planned.map(({ name, dtype, shape, begin, end: to }) =>
    pair(name, JSON.stringify({ dtype, shape, data_offsets: [begin, to] })),
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
    });
  }

  const bytes = new Uint8Array(start + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - PREFIX), true);
  bytes.set(header, PREFIX);
  bytes.fill(0x20, PREFIX + header.length, start);
  for (const { dtype, data, begin, end: to } of planned) {
    DTYPES[dtype].write(data, bytes.subarray(start + begin, start + to));
  }
  return bytes;
}
