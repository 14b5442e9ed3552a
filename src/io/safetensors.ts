/**
 * The safetensors format, whole in memory: a header (see safetensorsHeader.ts),
 * then the tensors' bytes without gaps. Runs wherever JavaScript does.
 */
import { WeightsError } from '../core/errors.js';
import { formatShape, sizeOf, type StateDict, type Tensor } from '../core/tensor.js';
import { DTYPES, type Dtype } from './dtypes.js';
import { quantize, readScales, rescale, scaleName, scalesOf } from './int8.js';
import { headerLength, isSizes, MAX_HEADER, METADATA, PREFIX, readHeader } from './safetensorsHeader.js';

/** A weight file's content. Metadata is what `__metadata__` holds: strings under strings. */
export interface Weights {
  readonly tensors: StateDict;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The types that a whole file can be written in. */
export const WEIGHTS_DTYPES = ['float16', 'float32', 'float64', 'int8'] as const;

export type WeightsDtype = (typeof WEIGHTS_DTYPES)[number];

export interface EncodeOptions {
  readonly metadata?: ReadonlyMap<string, string>;
  /**
   * One type for all; by default each tensor keeps its array's. Of float16, counters
   * and the running statistics of batch normalization are excepted: int64 and float32.
   * Of int8, so are biases and all else of one dimension; the scales of a tensor `X`, one
   * an output channel, lie in the file as `X_scale`, which who reads it does not see.
   */
  readonly dtype?: WeightsDtype;
}

/**
 * Reads a weight file. F32, F16, BF16 and I8 with its scales become Float32Array, F64 and I64
 * Float64Array, all of them exactly; the order is the header's. Nothing is
 * allocated before the whole header is checked, and nothing aliases `bytes`.
 *
 * @param name how errors call the file.
 * @throws WeightsError naming the file, the tensor, what was expected and what came.
 */
export function decodeSafetensors(bytes: Uint8Array, name = 'safetensors'): Weights {
  const start = PREFIX + headerLength(bytes, name);
  if (start > bytes.length) {
    throw new WeightsError({
      op: name,
      expected: `${start} bytes of header`,
      got: `${bytes.length} bytes: it is cut short`,
    });
  }
  const { entries, scales, metadata, length } = readHeader(bytes.subarray(PREFIX, start), name);
  if (length !== bytes.length - start) {
    throw new WeightsError({ op: name, expected: `${length} bytes of data`, got: `${bytes.length - start}` });
  }

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

const CODES = { float16: 'F16', float32: 'F32', float64: 'F64' } as const;

/** A variance may be any size, and is divided by: half precision would make 0 of a small one. */
const isStatistic = (name: string): boolean => /\.running_(mean|var)$/.test(name);

function dtypeFor(
  name: string,
  { data, shape }: Tensor,
  forced: WeightsDtype | undefined,
): 'F16' | 'F32' | 'F64' | 'I64' | 'I8' {
  // PyTorch's load_state_dict wants its batch counters back as int64.
  if (name.endsWith('.num_batches_tracked')) return 'I64';
  if (forced === 'int8') return shape.length < 2 ? 'F32' : 'I8';
  if (forced === 'float16' && isStatistic(name)) return 'F32';
  if (forced !== undefined) return CODES[forced];
  return data instanceof Float32Array ? 'F32' : 'F64';
}

/** A tensor of the file, checked, whose bytes are made when there is a place for them. */
interface Planned {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  write(bytes: Uint8Array): void;
}

function plan(name: string, tensor: Tensor, forced: WeightsDtype | undefined): Planned[] {
  const { data, shape } = tensor;
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

/** JSON.parse keeps one of two equal keys: nobody would notice. */
function refuseTwins(planned: readonly Planned[]): void {
  const names = new Set<string>();
  for (const { name } of planned) {
    if (names.has(name)) {
      throw new WeightsError({ op: name, expected: 'a name that no scales have', got: 'those of int8' });
    }
    names.add(name);
  }
}

/**
 * Writes a weight file: the header in the Map's order, the data with the widest
 * types first, as the official writer lays it out, so that every tensor is aligned, and
 * that whoever reads a stream has the scales before what they scale.
 *
 * @throws WeightsError for a tensor whose length is not its shape's, a counter
 *   that is no integer, or a value that the type asked for cannot hold.
 */
export function encodeSafetensors(tensors: StateDict, { metadata, dtype: forced }: EncodeOptions = {}): Uint8Array {
  const planned = [...tensors]
    .flatMap(([name, tensor]) => plan(name, tensor, forced))
    .map((each) => ({ ...each, begin: 0, end: 0 }));
  refuseTwins(planned);

  let end = 0;
  for (const entry of [...planned].sort((a, b) => DTYPES[b.dtype].width - DTYPES[a.dtype].width)) {
    entry.begin = end;
    entry.end = end += sizeOf(entry.shape) * DTYPES[entry.dtype].width;
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
  for (const entry of planned) entry.write(bytes.subarray(start + entry.begin, start + entry.end));
  return bytes;
}
