/** Networks to write in every format, and what is expected of the files. */
import { createHash } from 'node:crypto';
import type { ModelConfig } from '../../src/core/config.js';
import type { FloatArray, StateDict } from '../../src/core/tensor.js';
import { DTYPES } from '../../src/io/dtypes.js';
import { tensorBytes, type TensorSource } from '../../src/io/tensorSource.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';

/** Names of the types in PyTorch and NumPy. */
export const NAMES = { F16: 'float16', F32: 'float32', F64: 'float64', I64: 'int64' } as const;

type Types = Readonly<Record<string, TensorSource['dtype']>>;

/** The tensors of a state; those of the types' names have these types, the others float32. */
export const sourcesOf = (state: StateDict, dtype: TensorSource['dtype'], types: Types = {}): TensorSource[] =>
  [...state].map(([name, { data, shape }]) => ({
    ...{ name, shape, dtype: name.endsWith('num_batches_tracked') ? 'I64' : (types[name] ?? dtype) },
    read: () => Promise.resolve(data),
  }));

/** The same with other values, zeros of both signs and limits of float16 among them. */
function valuesFor(state: StateDict, change: (value: number) => number): StateDict {
  const changed = [...state].map(([name, { data, shape }]) => {
    const values = name.endsWith('num_batches_tracked') ? Float64Array.of(7) : Float64Array.from(data, change);
    if (name === 'cls.2.bias' || name === 'cls2.0.bias') values.set([0, -0, 2 ** -24, -65504]);
    return [name, { data: values, shape }] as const;
  });
  return new Map(changed);
}

const coarse = (value: number): number => Math.round(value * 64) / 64;

export interface Network {
  readonly config: ModelConfig;
  readonly tensors: readonly TensorSource[];
}

const train = drawnConfig('train');
const deploy = drawnConfig('deploy');

export const NETWORKS: Readonly<Record<string, Network>> = {
  train: { config: train, tensors: sourcesOf(valuesFor(drawnState(train), Math.fround), 'F32') },
  deploy: {
    config: deploy,
    tensors: sourcesOf(
      valuesFor(drawnState(deploy), (v) => v * (1 + 2 ** -40)),
      'F64',
    ),
  },
  mixed: {
    config: deploy,
    tensors: sourcesOf(valuesFor(drawnState(deploy), coarse), 'F16', { 'stem.0.weight': 'F64', 'cls.2.weight': 'F32' }),
  },
};

export interface Described {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** SHA-256 of the values' bytes. */
  readonly values: string;
}

/** What PyTorch or PaddlePaddle should have of tensors. */
export async function describeTensors(tensors: readonly TensorSource[]): Promise<[string, Described][]> {
  const described: [string, Described][] = [];
  for (const tensor of tensors) {
    const hash = createHash('sha256');
    for await (const bytes of tensorBytes(tensor)) hash.update(bytes);
    described.push([tensor.name, { dtype: NAMES[tensor.dtype], shape: tensor.shape, values: hash.digest('hex') }]);
  }
  return described;
}

/** Values as the bytes of a type. */
export function bytesOf(data: FloatArray, dtype: TensorSource['dtype']): Uint8Array {
  const bytes = new Uint8Array(data.length * DTYPES[dtype].width);
  DTYPES[dtype].write(data, bytes);
  return bytes;
}
