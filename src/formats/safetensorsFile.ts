/** Reads safetensors files of any origin as files of another framework: their names may have prefixes. */
import { sizeOf } from '../core/tensor.js';
import { readConfig, refuseCheckpoint } from '../io/configMetadata.js';
import { DTYPES, type Dtype } from '../io/dtypes.js';
import { HEAD } from '../io/fileKind.js';
import { readScales, rescale } from '../io/int8.js';
import { checkDataSize, checkHeaderSize, headerLength, PREFIX, readHeader } from '../io/safetensorsHeader.js';
import type { FileTensor, ForeignFile, RandomAccess } from './foreignFile.js';
import { unreadTensor } from './stridedTensor.js';

/** PyTorch's names of the types. */
const NAMES: Readonly<Record<Dtype, string>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I8: 'int8',
};

/** The libraries of other frameworks state only the framework, and files of this package state the same one. */
const WRITERS: ReadonlyMap<string | undefined, string> = new Map([['pt', "PyTorch's safetensors"]]);

const writerOf = (metadata: ReadonlyMap<string, string>): string | null => WRITERS.get(metadata.get('format')) ?? null;

/** @throws WeightsError if it is a damaged file, or a checkpoint of a training run */
export async function readSafetensorsFile(file: RandomAccess): Promise<ForeignFile> {
  const { name, size } = file;
  const start = PREFIX + headerLength(await file.read(0, Math.min(HEAD, size)), name);
  checkHeaderSize(start, size, name);
  const header = readHeader(await file.read(PREFIX, start - PREFIX), name, { keepsOthers: true });
  const { entries, others, scales, metadata, length } = header;
  checkDataSize(length, size - start, name);
  refuseCheckpoint(metadata, name);
  const tensors = new Map<string, FileTensor>();
  for (const { name: key, dtype, shape, begin, end } of entries) {
    const read: FileTensor['read'] = async () => {
      const format = DTYPES[dtype];
      const data = new format.Values(sizeOf(shape));
      format.read(await file.read(start + begin, end - begin), data, `${name}: ${key}`);
      const scale = scales.get(key);
      if (scale !== undefined) {
        const bytes = await file.read(start + scale.begin, scale.end - scale.begin);
        rescale(data, readScales(bytes, `${name}: ${scale.name}`), 0, sizeOf(shape.slice(1)));
      }
      return data;
    };
    tensors.set(key, { shape, dtype: NAMES[dtype], read });
  }
  for (const { name: key, dtype, shape } of others) {
    tensors.set(key, unreadTensor({ shape, dtype }, dtype, `${name}: ${key}`));
  }
  const config = readConfig(metadata, name);
  return {
    ...{
      format: 'safetensors',
      writer: config === null ? writerOf(metadata) : null,
      groups: [{ path: [], tensors }],
      facts: {},
    },
    ...(config === null ? {} : { config }),
  };
}
