/**
 * The header of a safetensors file: 8 bytes with its length (u64, little endian), then a JSON object.
 *
 *     {"__metadata__": {key: string}, name: {"dtype", "shape", "data_offsets": [begin, end]}, …}
 */
import { WeightsError } from '../core/errors.js';
import { parseJsonObject, scanJson } from '../core/json.js';
import { formatShape, sizeOf } from '../core/tensor.js';
import { fileKind } from './fileKind.js';
import { DTYPES, isDtype, type Dtype } from './dtypes.js';
import { scaleName } from './int8.js';
import { isRecord, show } from '../core/check.js';

/** A tensor in the file; offsets count from the end of the header. */
export interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** A tensor of a type that no weights here have. */
export interface OtherEntry extends Omit<Entry, 'dtype'> {
  readonly dtype: string;
}

export interface Header {
  /** In the order of the header, without the scales. */
  readonly entries: readonly Entry[];
  /** Tensors of other types, if they are kept. */
  readonly others: readonly OtherEntry[];
  /** Scales by the names of their I8 tensors, which they precede. */
  readonly scales: ReadonlyMap<string, Entry>;
  /** The strings of `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Bytes of data after the header. */
  readonly length: number;
}

/** Bytes of the length of the header. */
export const PREFIX = 8;
/**
 * The longest header in bytes. A large header is 1 MB: 22 000 class names of 30 bytes, and a hundred stages of the train
 * form with 30 tensors of 150 bytes each. This is four times as much. The official reader takes 100 MB, which parsed JSON
 * may multiply by 20.
 */
export const MAX_HEADER = 2 ** 22;
/** Above this, a length is not one, but the text or magic bytes of another format. */
const PLAUSIBLE = 2 ** 40;
export const METADATA = '__metadata__';
const BRACE = 0x7b;

const isSize = (v: unknown): v is number => Number.isSafeInteger(v) && (v as number) >= 0;
export const isSizes = (v: unknown): v is number[] => Array.isArray(v) && v.every(isSize);

/** The first bytes of a file as the length of a header; Infinity for too few. */
function lengthField(head: Uint8Array): number {
  if (head.length < PREFIX) return Infinity;
  return Number(new DataView(head.buffer, head.byteOffset, PREFIX).getBigUint64(0, true));
}

/** Whether a file may be JSON, perhaps in UTF-16: these bytes are too large to be a length. */
export function isJson(head: Uint8Array): boolean {
  if (lengthField(head) <= MAX_HEADER) return false;
  return head.find((byte) => !BEFORE_BRACE.includes(byte)) === BRACE;
}

/** Byte order marks, the zeros of UTF-16, and white space. */
const BEFORE_BRACE: readonly number[] = [0xef, 0xbb, 0xbf, 0xff, 0xfe, 0, 0x20, 0x09, 0x0a, 0x0d];

/** Whether a file begins as safetensors files do: with a length and a brace. */
export const isSafetensors = (head: Uint8Array): boolean => lengthField(head) < PLAUSIBLE && head[PREFIX] === BRACE;

/** The error for another file. @param head its first bytes: `HEAD` of them, or all if there are fewer */
export function otherFile(head: Uint8Array, op: string): WeightsError {
  const { name, hint } = fileKind(head);
  return new WeightsError({ op, expected: 'a safetensors file', got: name, hint });
}

/**
 * The length of the header.
 *
 * @param head the first bytes of a file: `HEAD` of them, or all if there are fewer
 * @throws WeightsError if it is another kind of file, or the length exceeds the limit
 */
export function headerLength(head: Uint8Array, op: string): number {
  if (!isSafetensors(head)) throw otherFile(head, op);
  const length = lengthField(head);
  if (length <= MAX_HEADER) return length;
  const hint = 'A VanillaNet needs less: the file is damaged, or of another network. Download or export it again.';
  throw new WeightsError({ op, expected: `a header of at most ${MAX_HEADER} bytes`, got: `${length}`, hint });
}

const HEADER = 'a header that is a JSON object';
const CUT_HINT = 'Download, copy or export the file again.';
export const EXTRA_HINT = 'Something was appended to the file, or its header is of another: copy or export it again.';
const DAMAGED_HINT = 'The header is damaged, or was written by a faulty program: download or export the file again.';
const DTYPE_HINT =
  'Convert it in Python: safetensors.torch.save_file({name: tensor.float() for name, tensor in state.items()}, "net.safetensors").';
const INT8_HINT = 'Write int8 weights by `vanillanet pack --dtype int8`, which adds the scales.';

/** The error for a header that no writer should write. */
const damaged = (op: string, expected: string, got: string, cause?: unknown): WeightsError =>
  new WeightsError({ op, expected, got, hint: DAMAGED_HINT }, cause === undefined ? undefined : { cause });

/** @param start bytes of the prefix and the header @param size bytes of the file @throws WeightsError if it ends before */
export function checkHeaderSize(start: number, size: number, op: string): void {
  if (start <= size) return;
  const got = `${size} bytes: it is cut short`;
  throw new WeightsError({ op, expected: `${start} bytes of header`, got, hint: CUT_HINT });
}

/** @param length bytes of the tensors @param size bytes after the header @throws WeightsError unless they are equal */
export function checkDataSize(length: number, size: number, op: string): void {
  if (length === size) return;
  const isCut = size < length;
  const got = isCut ? `${size}: it is cut short` : `${size}`;
  throw new WeightsError({ op, expected: `${length} bytes of data`, got, hint: isCut ? CUT_HINT : EXTRA_HINT });
}

function parse(bytes: Uint8Array, op: string): { text: string; header: Readonly<Record<string, unknown>> } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw damaged(op, HEADER, 'bytes that are not UTF-8', cause);
  }
  const options = { op, Refused: WeightsError, expected: HEADER, limit: MAX_HEADER, hint: DAMAGED_HINT };
  return { text, header: parseJsonObject(text, options) };
}

/** Bytes of one value of the other types of the format. */
const OTHER_WIDTHS: Readonly<Record<string, number>> = {
  ...{ BOOL: 1, U8: 1, I16: 2, U16: 2, I32: 4, U32: 4, U64: 8, C64: 8 },
  ...{ F8_E4M3: 1, F8_E5M2: 1, F8_E8M0: 1 },
};

/** Bytes of one value; undefined for an unknown type. */
function widthOf(dtype: unknown, keepsOthers: boolean): number | undefined {
  if (isDtype(dtype)) return DTYPES[dtype].width;
  return keepsOthers && typeof dtype === 'string' && Object.hasOwn(OTHER_WIDTHS, dtype)
    ? OTHER_WIDTHS[dtype]
    : undefined;
}

const isEntry = (entry: Entry | OtherEntry): entry is Entry => isDtype(entry.dtype);

const ENTRY_KEYS = ['dtype', 'shape', 'data_offsets'];

/** Refuses half a surrogate pair, which escapes in JSON can write, but no encoding of Unicode. @throws WeightsError */
function checkText(text: string, file: string): void {
  if (!/\p{Surrogate}/u.test(text)) return;
  throw damaged(file, 'a header of valid Unicode', `a lone surrogate in ${show(text)}`);
}

function readEntry(name: string, value: unknown, file: string, keepsOthers: boolean): OtherEntry {
  const op = `${file}: ${name}`;
  checkText(name, file);
  // Other keys are ignored, as in the official reader.
  if (!isRecord(value) || !ENTRY_KEYS.every((key) => Object.hasOwn(value, key))) {
    throw damaged(op, 'dtype, shape and data_offsets', show(value));
  }
  const { dtype, shape, data_offsets } = value;
  const width = widthOf(dtype, keepsOthers);
  if (typeof dtype !== 'string' || width === undefined) {
    const expected = `a dtype of ${Object.keys(DTYPES).join(', ')}`;
    throw new WeightsError({ op, expected, got: show(dtype), hint: DTYPE_HINT });
  }
  if (!isSizes(shape)) {
    throw damaged(op, 'a shape of integers >= 0', show(shape));
  }
  if (!isSizes(data_offsets) || data_offsets.length !== 2 || data_offsets[0] > data_offsets[1]) {
    throw damaged(op, 'data_offsets [begin, end] with 0 <= begin <= end', show(data_offsets));
  }
  const [begin, end] = data_offsets;
  const byteCount = sizeOf(shape) * width;
  if (end - begin !== byteCount) {
    throw damaged(op, `${byteCount} bytes for ${dtype} ${formatShape(shape)}`, `${end - begin}`);
  }
  return { name, dtype, shape, begin, end };
}

function readMetadata(value: unknown, file: string): ReadonlyMap<string, string> {
  const op = `${file}: ${METADATA}`;
  // The official reader takes null for none.
  if (value === null) return new Map();
  if (!isRecord(value)) throw damaged(op, 'an object of strings', show(value));
  const metadata = new Map<string, string>();
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw damaged(op, 'only strings', `${show(text)} under ${show(key)}`);
    }
    checkText(key, file);
    checkText(text, file);
    metadata.set(key, text);
  }
  return metadata;
}

/** The keys of an object and of all objects in it. */
const countKeys = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? Object.values(value).reduce(
        (sum: number, each) => sum + countKeys(each),
        isRecord(value) ? Object.keys(value).length : 0,
      )
    : 0;

/** Refuses equal keys, of which JSON.parse keeps the last, and another reader may keep the first. */
function refuseDuplicates(text: string, header: unknown, op: string): void {
  const extra = scanJson(text).keys - countKeys(header);
  if (extra === 0) return;
  throw damaged(op, 'each key once', `repeated keys: ${extra}, counting those inside a repeated tensor`);
}

/** The number of bytes of all tensors, which must be contiguous. @throws WeightsError */
function coverage(entries: readonly OtherEntry[], file: string): number {
  let size = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== size) {
      const what = begin < size ? 'an overlap' : 'a hole';
      throw damaged(`${file}: ${name}`, `data_offsets from ${size} on`, `${begin}: ${what}`);
    }
    size = end;
  }
  return size;
}

/** The scales of each I8 tensor. @throws WeightsError if they are missing or invalid */
function findScales(entries: readonly Entry[], file: string): Map<string, Entry> {
  const scales = new Map<string, Entry>();
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  for (const { name, dtype, shape, begin } of entries) {
    if (dtype !== 'I8') continue;
    if (shape.length < 2) {
      const expected = 'I8 of two dimensions or more, the output channels first';
      throw new WeightsError({ op: `${file}: ${name}`, expected, got: formatShape(shape), hint: INT8_HINT });
    }
    const op = `${file}: ${scaleName(name)}`;
    const expected = `F32 [${shape[0]}] before ${name}, which it scales`;
    const scale = byName.get(scaleName(name));
    if (scale === undefined) throw new WeightsError({ op, expected, got: 'none of that name', hint: INT8_HINT });
    if (scale.dtype !== 'F32' || formatShape(scale.shape) !== `[${shape[0]}]`) {
      const got = `${scale.dtype} ${formatShape(scale.shape)}`;
      throw new WeightsError({ op, expected, got, hint: INT8_HINT });
    }
    if (scale.end > begin) throw new WeightsError({ op, expected, got: 'after it', hint: INT8_HINT });
    scales.set(name, scale);
  }
  return scales;
}

/**
 * Reads and checks a header; nothing is allocated for tensors.
 *
 * @param bytes the header without the 8 bytes of its length
 * @param file the name of the file in errors
 * @param options `keepsOthers`: whether tensors of types that no weights have, such as U8, are listed instead of refused
 * @throws WeightsError with the file and the tensor
 */
export function readHeader(
  bytes: Uint8Array,
  file: string,
  { keepsOthers = false }: { readonly keepsOthers?: boolean } = {},
): Header {
  const { text, header } = parse(bytes, file);
  const all: OtherEntry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [key, value] of Object.entries(header)) {
    if (key === METADATA) metadata = readMetadata(value, file);
    else all.push(readEntry(key, value, file, keepsOthers));
  }
  refuseDuplicates(text, header, file);
  const length = coverage(all, file);
  const entries = all.filter(isEntry);
  const scales = findScales(entries, file);
  const hidden = new Set(scales.values());
  const others = all.filter((entry) => !isEntry(entry));
  return { entries: entries.filter((entry) => !hidden.has(entry)), others, scales, metadata, length };
}
