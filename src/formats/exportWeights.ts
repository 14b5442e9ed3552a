/** Writes weights in the format that the ending of a file names. */
import { extname } from 'node:path';
import type { ModelConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { parameterShapes } from '../core/parameters.js';
import { writeConfig } from '../io/configMetadata.js';
import type { TensorSource } from '../io/tensorSource.js';
import { writeSafetensors } from '../io/writeSafetensors.js';
import { writeOnnx } from './onnx/writeOnnx.js';
import { writePaddle } from './writePaddle.js';
import { writeTorch } from './writeTorch.js';

/** A format that weights are written in. */
export interface OutputFormat {
  /** Whether its files have the configuration of the network. */
  readonly hasConfig: boolean;
  /** @param tensors of the whole network, by PyTorch's names; counters of batches may be missing */
  write(path: string, tensors: readonly TensorSource[], config: ModelConfig): Promise<void>;
}

const SAFETENSORS: OutputFormat = {
  hasConfig: true,
  write: (path, tensors, config) => writeSafetensors(path, tensors, writeConfig(config)),
};

const TORCH: OutputFormat = {
  hasConfig: false,
  write: (path, tensors, config) => writeTorch(path, withCounters(tensors, config)),
};

const PADDLE: OutputFormat = { hasConfig: false, write: (path, tensors) => writePaddle(path, tensors) };

const ONNX: OutputFormat = { hasConfig: true, write: writeOnnx };

const FORMATS: Readonly<Record<string, OutputFormat>> = {
  '.safetensors': SAFETENSORS,
  '.pth': TORCH,
  '.pt': TORCH,
  '.pdparams': PADDLE,
  '.onnx': ONNX,
};

/** All tensors of the network in the order of its `state_dict()`; a counter of batches that is missing is 0. */
export function withCounters(tensors: readonly TensorSource[], config: ModelConfig): TensorSource[] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return [...parameterShapes(config)].map(
    ([name, shape]) =>
      byName.get(name) ?? { name, shape, dtype: 'I64', read: () => Promise.resolve(Float64Array.of(0)) },
  );
}

/** The format of a file by its ending. @throws ParamError for another ending */
export function outputFormat(path: string): OutputFormat {
  const ending = Object.keys(FORMATS).find((each) => path.endsWith(each));
  if (ending !== undefined) return FORMATS[ending];
  const extension = extname(path);
  throw new ParamError({
    op: path,
    expected: 'a name that ends in .safetensors, .pth, .pt, .pdparams or .onnx',
    got: extension === '' ? 'no ending' : extension,
    hint: 'The ending selects the format: safetensors, PyTorch, PaddlePaddle or ONNX.',
  });
}
