import { checkStateDict } from './checkState.js';
import type { ModelConfig } from './config.js';
import { WeightsError } from './errors.js';
import { chain, checkNetwork } from './network.js';
import { formatShape, sizeOf, type FloatArray, type StateDict, type Tensor } from './tensor.js';

/** Every tensor of the network's form: PyTorch's names, in the order of its `state_dict()`. */
export function parameterShapes(config: ModelConfig): ReadonlyMap<string, readonly number[]> {
  checkNetwork(config);
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

/** Prefixes of the tensors of an optimizer, followed by the name of a parameter, as in PyTorch. */
const PREFIXES = ['', 'momentum_buffer.', 'exp_avg.', 'exp_avg_sq.'];

/** The tensors in the order of PyTorch's `state_dict()`; those of an optimizer are grouped by prefix. */
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

/** Whether a tensor is a statistic of a batch norm, which optimizers do not change. */
export const isBuffer = (name: string): boolean => /\.(running_mean|running_var|num_batches_tracked)$/.test(name);

/** Whether a tensor counts the batches of a batch norm; nothing is computed from it. */
export const isCounter = (name: string): boolean => name.endsWith('.num_batches_tracked');

/** Whether a tensor is a depthwise kernel. With act_num 0 it is 1x1, so its shape does not show it. */
export const isDepthwise = (name: string): boolean => /^(stem\.1|stem2\.2|stages\.\d+\.act)\.weight$/.test(name);

/** The form that has tensors of these names; null if they are not those of a VanillaNet. */
export function formOf(names: { has(name: string): boolean }): ModelConfig['form'] | null {
  if (names.has('stem.0.weight')) return 'deploy';
  return names.has('stem1.0.weight') ? 'train' : null;
}

/** The remedy for a train form instead of a deploy form. */
export const FUSE_HINT = 'Fuse it first: vanillanet fuse IN OUT.';

/** The name of a tensor in errors, with its file if it has one. */
const inFile = (file: string | undefined, name: string): string =>
  typeof file === 'string' ? `${file}: ${name}` : name;

/**
 * Checks the names and shapes of weights: every tensor of the network must exist and have the right shape, and
 * there must be no others. `num_batches_tracked` may be missing, because nothing is computed from it.
 *
 * @param file the name of the file in errors
 * @throws WeightsError with the name of the first wrong tensor
 */
export function checkShapes(
  shapes: ReadonlyMap<string, readonly number[]>,
  config: ModelConfig,
  file: string | undefined,
): void {
  const form = formOf(shapes);
  if (form === null) {
    const names = [...shapes.keys()].slice(0, 3).join(', ') || 'no tensors';
    throw new WeightsError({
      op: inFile(file, 'weights'),
      expected: 'the tensors of a VanillaNet (stem1.0.weight or stem.0.weight)',
      got: names,
    });
  }
  if (form !== config.form) {
    throw new WeightsError({
      op: inFile(file, 'weights'),
      expected: `the ${config.form} form`,
      got: `the ${form} form`,
      hint: form === 'train' ? FUSE_HINT : undefined,
    });
  }
  const expected = parameterShapes(config);
  for (const [name, shape] of expected) {
    const got = shapes.get(name);
    if (got === undefined) {
      if (isCounter(name)) continue;
      throw new WeightsError({
        op: inFile(file, name),
        expected: `a tensor ${formatShape(shape)}`,
        got: 'none of that name',
      });
    }
    if (formatShape(got) !== formatShape(shape)) {
      throw new WeightsError({ op: inFile(file, name), expected: formatShape(shape), got: formatShape(got) });
    }
  }
  for (const name of shapes.keys()) {
    if (!expected.has(name)) {
      throw new WeightsError({
        op: inFile(file, name),
        expected: `only the tensors of this network (${config.dims.length - 1} stages)`,
        got: 'one tensor more',
      });
    }
  }
}

/** Whether all values are finite. The exponent of others is all ones: adding one to it overflows into the sign. */
function areFinite({ buffer, byteOffset, length }: Float32Array): boolean {
  const words = new Int32Array(buffer, byteOffset, length);
  let signs = 0;
  for (let i = 0; i < length; i++) signs |= (words[i] & 0x7fffffff) + 0x00800000;
  return signs >= 0;
}

/**
 * Checks that values are finite and variances not negative.
 *
 * @param offset of the first value in the tensor
 * @param file the name of the file in errors
 * @throws WeightsError with the tensor and the element
 */
export function checkValues(name: string, data: FloatArray, offset: number, file: string | undefined): void {
  const isVariance = name.endsWith('.running_var');
  // Four times as fast as the loop below, for millions of values.
  if (!isVariance && data instanceof Float32Array && areFinite(data)) return;
  for (let i = 0; i < data.length; i++) {
    // v - v is 0 if v is finite, otherwise NaN.
    if (data[i] - data[i] === 0 && !(isVariance && data[i] < 0)) continue;
    const expected = isVariance ? 'finite variances >= 0' : 'finite weights';
    throw new WeightsError({ op: inFile(file, name), expected, got: `${data[i]} at element ${offset + i}` });
  }
}

/** Checks the number of values of a tensor, and the values by `checkValues`. @throws WeightsError */
export function checkParameter(name: string, { data, shape }: Tensor, file?: string): void {
  if (data.length !== sizeOf(shape)) {
    const expected = `the values of ${formatShape(shape)}`;
    throw new WeightsError({ op: inFile(file, name), expected, got: `${data.length} values` });
  }
  checkValues(name, data, 0, file);
}

/** Checks weights in memory by `checkShapes` and `checkValues`. @throws WeightsError */
export function checkState(state: StateDict, config: ModelConfig, file?: string): void {
  checkStateDict(typeof file === 'string' ? file : 'state', state);
  checkNetwork(config);
  checkShapes(new Map([...state].map(([name, { shape }]) => [name, shape])), config, file);
  for (const [name, tensor] of state) checkParameter(name, tensor, file);
}
