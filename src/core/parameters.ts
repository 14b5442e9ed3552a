import type { ModelConfig } from './config.js';
import { WeightsError } from './errors.js';
import { chain } from './network.js';
import { formatShape, sizeOf, type FloatArray, type StateDict, type Tensor } from './tensor.js';

/** Every tensor of the network's form: PyTorch's names, in the order of its `state_dict()`. */
export function parameterShapes(config: ModelConfig): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  let channels = config.in_chans;
  for (const part of chain(config).flatMap(({ parts }) => parts)) {
    if (part.op === 'conv2d' || part.op === 'depthwiseConv2d') {
      channels = part.weight[0];
      shapes.set(`${part.name}.weight`, part.weight);
      if (part.bias) shapes.set(`${part.name}.bias`, [channels]);
    } else if (part.op === 'batchNorm') {
      for (const each of ['weight', 'bias', 'running_mean', 'running_var']) {
        shapes.set(`${part.name}.${each}`, [channels]);
      }
      shapes.set(`${part.name}.num_batches_tracked`, []);
    }
  }
  return shapes;
}

/** What a tensor of an optimizer has before the name of its parameter, as in PyTorch. */
const PREFIXES = ['', 'momentum_buffer.', 'exp_avg.', 'exp_avg_sq.'];

/** The same tensors in the order of PyTorch's `state_dict()`; of an optimizer's, first all of one kind. */
export function inModelOrder<T>(tensors: ReadonlyMap<string, T>, config: ModelConfig): Map<string, T> {
  const names = [...parameterShapes(config).keys()];
  const ordered = new Map<string, T>();
  for (const prefix of PREFIXES) {
    for (const name of names) {
      const tensor = tensors.get(prefix + name);
      if (tensor !== undefined) ordered.set(prefix + name, tensor);
    }
  }
  return ordered;
}

/** Statistics that training keeps but no optimizer moves. */
export const isBuffer = (name: string): boolean => /\.(running_mean|running_var|num_batches_tracked)$/.test(name);

/** Batches that a norm has seen: a number that nothing is computed from. */
export const isCounter = (name: string): boolean => name.endsWith('.num_batches_tracked');

/** Kernels of activations. They may be 1x1, so that their shapes do not tell. */
export const isDepthwise = (name: string): boolean => /^(stem\.1|stem2\.2|stages\.\d+\.act)\.weight$/.test(name);

/** Which form the tensor names belong to, or null for a foreign file. */
export function formOf(names: { has(name: string): boolean }): ModelConfig['form'] | null {
  if (names.has('stem.0.weight')) return 'deploy';
  return names.has('stem1.0.weight') ? 'train' : null;
}

/** A tensor as errors call it: with its file, where it has one. */
const inFile = (file: string | undefined, name: string): string => (file === undefined ? name : `${file}: ${name}`);

/**
 * Holds the names and shapes of weights against the configuration they are to run
 * under: every tensor there, none too many, each of the right shape.
 * `num_batches_tracked` may be missing: nothing is computed from it.
 *
 * @param file how errors call what the tensors are in
 * @throws WeightsError naming the first tensor that does not fit.
 */
export function checkShapes(
  found: ReadonlyMap<string, readonly number[]>,
  config: ModelConfig,
  file: string | undefined,
): void {
  const form = formOf(found);
  if (form === null) {
    const some = [...found.keys()].slice(0, 3).join(', ') || 'no tensors';
    throw new WeightsError({
      op: inFile(file, 'weights'),
      expected: 'the tensors of a VanillaNet (stem1.0.weight or stem.0.weight)',
      got: some,
    });
  }
  if (form !== config.form) {
    const got = `the ${form} form${form === 'train' ? ': fuse it first' : ''}`;
    throw new WeightsError({ op: inFile(file, 'weights'), expected: `the ${config.form} form`, got });
  }
  const expected = parameterShapes(config);
  for (const [name, shape] of expected) {
    const got = found.get(name);
    if (got === undefined) {
      if (isCounter(name)) continue;
      const wanted = `a tensor ${formatShape(shape)}`;
      throw new WeightsError({ op: inFile(file, name), expected: wanted, got: 'none of that name' });
    }
    if (formatShape(got) !== formatShape(shape)) {
      throw new WeightsError({ op: inFile(file, name), expected: formatShape(shape), got: formatShape(got) });
    }
  }
  for (const name of found.keys()) {
    if (!expected.has(name)) {
      throw new WeightsError({
        op: inFile(file, name),
        expected: `only the tensors of this network (${config.dims.length - 1} stages)`,
        got: 'one tensor more',
      });
    }
  }
}

/** Whether all values are finite: what is not has an exponent of ones alone, which one more carries into the sign. */
function areFinite({ buffer, byteOffset, length }: Float32Array): boolean {
  const words = new Int32Array(buffer, byteOffset, length);
  let signs = 0;
  for (let i = 0; i < length; i++) signs |= (words[i] & 0x7fffffff) + 0x00800000;
  return signs >= 0;
}

/**
 * Refuses what no network computes with: values that are not finite, variances below zero.
 *
 * @param offset of the first of these values in their tensor
 * @param file how errors call what the tensor is in
 * @throws WeightsError naming the tensor and the element.
 */
export function checkValues(name: string, data: FloatArray, offset: number, file: string | undefined): void {
  const isVariance = name.endsWith('.running_var');
  // Millions of them: to look at one by one takes four times as long.
  if (!isVariance && data instanceof Float32Array && areFinite(data)) return;
  for (let i = 0; i < data.length; i++) {
    // v - v is 0, or NaN where v is not finite.
    if (data[i] - data[i] === 0 && !(isVariance && data[i] < 0)) continue;
    const expected = isVariance ? 'finite variances >= 0' : 'finite weights';
    throw new WeightsError({ op: inFile(file, name), expected, got: `${data[i]} at element ${offset + i}` });
  }
}

/** That a tensor has as many values as its shape says, and such as `checkValues` lets pass. @throws WeightsError */
export function checkParameter(name: string, { data, shape }: Tensor, file?: string): void {
  if (data.length !== sizeOf(shape)) {
    const expected = `the values of ${formatShape(shape)}`;
    throw new WeightsError({ op: inFile(file, name), expected, got: `${data.length} values` });
  }
  checkValues(name, data, 0, file);
}

/** All that `checkShapes` and `checkValues` hold against weights that are in memory. */
export function checkState(state: StateDict, config: ModelConfig, file?: string): void {
  checkShapes(new Map([...state].map(([name, { shape }]) => [name, shape])), config, file);
  for (const [name, tensor] of state) checkParameter(name, tensor, file);
}
