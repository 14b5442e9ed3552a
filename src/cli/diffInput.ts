/** Finds the input batch of a comparison. */
import { extname } from 'node:path';
import type { ModelConfig } from '../core/config.js';
import { DataError, ParamError, ShapeError, WeightsError } from '../core/errors.js';
import { uniform } from '../core/philox.js';
import { formatShape, sizeOf, type Tensor } from '../core/tensor.js';
import { readImage } from '../data/decode/image.js';
import { inputOf, type Dump } from '../diff/dump.js';
import { preprocess, preprocessOptions } from '../image/preprocess.js';
import { readSafetensors } from '../io/readSafetensors.js';

export interface DiffInput {
  /** Where x is from, for messages. */
  readonly source: string;
  /** [n,in_chans,h,w] */
  readonly x: Tensor;
}

/** Noise with the standard deviation of a normalized image, 1: uniform in ±√3. */
function noise({ in_chans, input_size }: ModelConfig, seed: number): Tensor {
  const shape = [1, in_chans, ...input_size];
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sqrt(3) * (2 * uniform(seed, 0, i) - 1));
  return { data, shape };
}

async function fromFile(file: string, config: ModelConfig): Promise<Tensor> {
  const { in_chans, input_size } = config;
  if (extname(file).toLowerCase() === '.safetensors') {
    const x = (await readSafetensors(file)).tensors.get('x');
    if (x !== undefined) return x;
    throw new WeightsError({ op: file, expected: 'a tensor x [n,c,h,w]', got: 'no such tensor' });
  }
  if (in_chans !== 3 && in_chans !== 1) {
    throw new ParamError({ op: file, expected: 'a network for RGB or grayscale images', got: `in_chans ${in_chans}` });
  }
  const data = preprocess(await readImage(file), preprocessOptions(config));
  return { data, shape: [1, in_chans, ...input_size] };
}

/** The batch of the file; without a file that of the first dump; without a dump noise. */
async function readInput(
  file: string | undefined,
  [dump]: readonly Dump[],
  config: ModelConfig,
  seed: number,
): Promise<DiffInput> {
  if (file !== undefined) return { source: file, x: await fromFile(file, config) };
  if ((dump as Dump | undefined) !== undefined) return { source: dump.file, x: inputOf(dump) };
  return { source: `noise of seed ${seed}`, x: noise(config, seed) };
}

/**
 * Finds and checks the batch.
 *
 * @throws ShapeError, DataError for a batch that does not fit the network, and for errors of reading
 */
export async function findInput(...parameters: Parameters<typeof readInput>): Promise<DiffInput> {
  const [, , { in_chans }] = parameters;
  const input = await readInput(...parameters);
  const { data, shape } = input.x;
  if (shape.length !== 4 || shape[0] < 1 || shape[1] !== in_chans) {
    throw new ShapeError({ op: input.source, expected: `x [n,${in_chans},h,w]`, got: `x ${formatShape(shape)}` });
  }
  const invalid = data.findIndex((v) => !Number.isFinite(v));
  if (invalid >= 0) {
    const got = `${data[invalid]} at element ${invalid}`;
    throw new DataError({ op: input.source, expected: 'x of finite numbers', got });
  }
  return input;
}
