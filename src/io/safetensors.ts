/**
 * The safetensors format in memory: a header (see safetensorsHeader.ts), then the bytes of the tensors without
 * gaps. Runs in every JavaScript runtime.
 */
import { checkKeys, checkObject, checkOneOf } from '../core/check.js';
import { checkBytes, checkStateDict, checkText, checkTexts } from '../core/checkState.js';
import { WeightsError } from '../core/errors.js';
import { formatShape, sizeOf, type StateDict, type Tensor } from '../core/tensor.js';
import { DTYPES } from './dtypes.js';
import { HEAD } from './fileKind.js';
import { quantize, readScales, rescale, scaleName, scalesOf } from './int8.js';
import {
  checkDataSize,
  checkHeaderSize,
  headerLength,
  isSizes,
  METADATA,
  PREFIX,
  readHeader,
} from './safetensorsHeader.js';
import { layOut, type LayoutEntry } from './safetensorsLayout.js';

/** The content of a weight file. `metadata` is its `__metadata__`, a map of strings. */
export interface Weights {
  readonly tensors: StateDict;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The types that a file can be written in. */
export const WEIGHTS_DTYPES = ['float16', 'float32', 'float64', 'int8'] as const;

export type WeightsDtype = (typeof WEIGHTS_DTYPES)[number];

export interface EncodeOptions {
  readonly metadata?: ReadonlyMap<string, string>;
  /**
   * The type of all tensors; by default that of their arrays. Exceptions: counters are always int64; with float16,
   * running statistics are float32; with int8, tensors of one dimension are float32. The int8 scales of a tensor
   * `X`, one per output channel, are a tensor `X_scale` in the file, which readers apply and hide.
   */
  readonly dtype?: WeightsDtype;
}

/**
 * Reads a weight file. F32, F16, BF16, and I8 with its scales become Float32Array, F64 and I64 Float64Array, without
 * rounding, in the order of the header. The whole header is checked before anything is allocated. The result does
 * not share memory with `bytes`.
 *
 * @param name of the file in errors
 * @throws ParamError for what is no array of bytes; WeightsError with the file and the tensor
 */
export function decodeSafetensors(bytes: Uint8Array, name = 'safetensors'): Weights {
  checkBytes(checkText('name', name), bytes);
  const start = PREFIX + headerLength(bytes.subarray(0, HEAD), name);
  checkHeaderSize(start, bytes.length, name);
  const { entries, scales, metadata, length } = readHeader(bytes.subarray(PREFIX, start), name);
  checkDataSize(length, bytes.length - start, name);

  const tensors = new Map<string, Tensor>();
  for (const { name: key, dtype, shape, begin, end } of entries) {
    const format = DTYPES[dtype];
    const data = new format.Values(sizeOf(shape));
    format.read(bytes.subarray(start + begin, start + end), data, `${name}: ${key}`);
    const scale = scales.get(key);
    if (scale !== undefined) {
      const values = readScales(bytes.subarray(start + scale.begin, start + scale.end), `${name}: ${scale.name}`);
      rescale(data, values, 0, sizeOf(shape.slice(1)));
    }
    tensors.set(key, { data, shape });
  }
  return { tensors, metadata };
}

/** @throws ParamError */
function checkEncodeOptions(options: EncodeOptions): EncodeOptions {
  checkKeys(checkObject('options', options), ['metadata', 'dtype'], (key) => key);
  const { metadata, dtype } = options;
  if (metadata !== undefined) checkTexts('metadata', metadata);
  if (dtype !== undefined) checkOneOf('dtype', dtype, WEIGHTS_DTYPES);
  return options;
}

const CODES = { float16: 'F16', float32: 'F32', float64: 'F64' } as const;

/** Running statistics stay float32: half precision would round a small variance, which is divided by, to 0. */
const isStatistic = (name: string): boolean => /\.running_(mean|var)$/.test(name);

function dtypeFor(
  name: string,
  { data, shape }: Tensor,
  forced: WeightsDtype | undefined,
): 'F16' | 'F32' | 'F64' | 'I64' | 'I8' {
  // PyTorch's load_state_dict requires int64 counters.
  if (name.endsWith('.num_batches_tracked')) return 'I64';
  if (forced === 'int8') return shape.length < 2 ? 'F32' : 'I8';
  if (forced === 'float16' && isStatistic(name)) return 'F32';
  if (forced !== undefined) return CODES[forced];
  return data instanceof Float32Array ? 'F32' : 'F64';
}

/** A checked tensor, which writes its bytes when there is memory for them. */
interface TensorWriter extends LayoutEntry {
  write(bytes: Uint8Array): void;
}

function plan(name: string, tensor: Tensor, forced: WeightsDtype | undefined): TensorWriter[] {
  const { shape } = tensor;
  // An array may be empty because it is detached, which its methods refuse.
  const data = tensor.data.length === 0 ? new Float32Array(0) : tensor.data;
  if (name === METADATA) {
    throw new WeightsError({
      op: name,
      expected: 'a tensor name',
      got: 'a name that the format reserves',
      hint: 'Rename the tensor.',
    });
  }
  if (!isSizes(shape) || data.length !== sizeOf(shape)) {
    throw new WeightsError({
      op: name,
      expected: `the values of ${formatShape(shape)}`,
      got: `${data.length} values`,
    });
  }
  const dtype = dtypeFor(name, tensor, forced);
  if (dtype !== 'I8') {
    const format = DTYPES[dtype];
    format.check(data, name);
    return [
      {
        ...{ name, dtype, shape },
        write: (bytes) => {
          format.write(data, bytes);
        },
      },
    ];
  }
  const scales = scalesOf(data, shape[0], name);
  const write = (bytes: Uint8Array): void => {
    quantize(data, scales, new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length));
  };
  const scale = { data: scales, shape: [scales.length] };
  return [{ name, dtype, shape, write }, ...plan(scaleName(name), scale, 'float32')];
}

/** Refuses equal names: readers of the JSON would silently drop one. */
function refuseDuplicates(writers: readonly TensorWriter[]): void {
  const names = new Set<string>();
  for (const { name } of writers) {
    if (names.has(name)) {
      throw new WeightsError({
        op: name,
        expected: 'a name other than that of int8 scales',
        got: 'the same name',
        hint: 'Rename the tensor, or write float16.',
      });
    }
    names.add(name);
  }
}

/**
 * Writes a weight file, see `layOut`.
 *
 * @throws ParamError for invalid options, or what is no Map of tensors
 * @throws WeightsError for a tensor whose length does not fit its shape, a counter that is not an integer, or a
 *   value that the type cannot represent
 */
export function encodeSafetensors(tensors: StateDict, options: EncodeOptions = {}): Uint8Array {
  const { metadata, dtype: forced } = checkEncodeOptions(options);
  checkStateDict('safetensors', tensors);
  const writers = [...tensors].flatMap(([name, tensor]) => plan(name, tensor, forced));
  refuseDuplicates(writers);
  const { head, entries, size } = layOut(writers, metadata);
  const bytes = new Uint8Array(size);
  bytes.set(head);
  for (const { entry, begin, end } of entries) entry.write(bytes.subarray(begin, end));
  return bytes;
}
