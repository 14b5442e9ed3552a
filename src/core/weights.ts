import { checkFunction, checkObject, show } from './check.js';
import { checkMap, checkStateDict, checkText } from './checkState.js';
import { ParamError, WeightsError } from './errors.js';
import { checkValues } from './parameters.js';
import { sizeOf, type FloatArray, type StateDict, type Tensor } from './tensor.js';

/** Consecutive values of a tensor, beginning with element `offset`. */
export interface WeightPart {
  readonly name: string;
  readonly offset: number;
  /** Valid until the next part is requested. */
  readonly data: FloatArray;
}

/**
 * Weights that are being read: their shapes are known, their values come in parts, so that they are never all
 * in memory. The parts can be read once; those of a tensor come in order and without gaps.
 */
export interface WeightStream {
  /** The name of the source in errors, if it has one. */
  readonly file?: string | undefined;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  parts(): AsyncIterable<WeightPart>;
}

/** A stream of weights that are in memory, one part per tensor. @throws ParamError for what is no Map of tensors */
export function streamOf(state: StateDict): WeightStream {
  checkStateDict('state', state);
  return {
    shapes: new Map([...state].map(([name, { shape }]) => [name, shape])),
    // eslint-disable-next-line @typescript-eslint/require-await -- nothing has to be awaited
    async *parts() {
      for (const [name, { data }] of state) yield { name, offset: 0, data };
    },
  };
}

/**
 * The parts of a stream, checked to be consecutive and to complete every tensor.
 *
 * @param shapes of the tensors that must come; by default those of the stream
 * @throws WeightsError with the name of the tensor
 */
export async function* sequentialParts(weights: WeightStream, shapes = weights.shapes): AsyncGenerator<WeightPart> {
  const counts = new Map<string, number>();
  for (const name of shapes.keys()) counts.set(name, 0);
  for await (const part of weights.parts()) {
    const { name, offset, data } = part;
    const [shape, from] = [shapes.get(name), counts.get(name)];
    if (shape === undefined || from === undefined) {
      throw new WeightsError({ op: name, expected: 'only the tensors of this network', got: 'one tensor more' });
    }
    if (offset !== from || from + data.length > sizeOf(shape)) {
      const expected = `values from ${from} to ${sizeOf(shape)}`;
      throw new WeightsError({ op: name, expected, got: `values from ${offset} to ${offset + data.length}` });
    }
    counts.set(name, from + data.length);
    yield part;
  }
  for (const [name, shape] of shapes) {
    const count = counts.get(name);
    if (count === sizeOf(shape)) continue;
    throw new WeightsError({ op: name, expected: `${sizeOf(shape)} values`, got: `${count ?? 0}` });
  }
}

/** An array that is at least `length` long: twice as long if possible, but never longer than `size`. */
function grow(values: FloatArray, length: number, size: number): FloatArray {
  if (length <= values.length) return values;
  const count = Math.min(size, Math.max(length, 2 * values.length));
  const larger = values instanceof Float64Array ? new Float64Array(count) : new Float32Array(count);
  larger.set(values);
  return larger;
}

/**
 * Reads a whole stream into memory; a tensor has the type of its first part. Memory grows with the values that arrive:
 * the shapes of a damaged file may be of any size.
 *
 * @throws WeightsError as `sequentialParts`
 */
export async function collectState(weights: WeightStream): Promise<StateDict> {
  const state = new Map<string, Tensor>();
  for await (const { name, offset, data } of sequentialParts(weights)) {
    const shape = weights.shapes.get(name) ?? [];
    const empty = data instanceof Float64Array ? new Float64Array(0) : new Float32Array(0);
    const values = grow(state.get(name)?.data ?? empty, offset + data.length, sizeOf(shape));
    values.set(data, offset);
    state.set(name, { data: values, shape });
  }
  return new Map(
    [...weights.shapes].map(([name, shape]) => [name, state.get(name) ?? { data: new Float32Array(0), shape }]),
  );
}

/** Checks a stream of a caller without types. @throws ParamError */
export function checkStream(weights: WeightStream): void {
  const { shapes } = checkObject('weights', weights);
  checkFunction('weights.parts', (weights as Partial<Record<'parts', unknown>>).parts);
  for (const [name, shape] of checkMap('weights.shapes', shapes)) {
    checkText('weights.shapes', name);
    if (Array.isArray(shape)) continue;
    throw new ParamError({ op: 'weights.shapes', expected: 'a list of sizes for each tensor', got: show(shape) });
  }
}

/** A part of a caller without types. @throws ParamError */
function checkPart(part: WeightPart): WeightPart {
  const { data } = checkObject('weights.parts', part);
  if (ArrayBuffer.isView(data)) return part;
  throw new ParamError({ op: 'weights.parts', expected: 'parts { name, offset, data }', got: show(part) });
}

/** What `weights.parts` returns. @throws ParamError if it cannot be iterated */
function partsOf(weights: WeightStream): AsyncIterable<WeightPart> {
  const parts: unknown = weights.parts();
  if (typeof parts === 'object' && parts !== null && Symbol.asyncIterator in parts)
    return parts as AsyncIterable<WeightPart>;
  throw new ParamError({ op: 'weights.parts', expected: 'an async iterable of parts', got: show(parts) });
}

/** A stream that checks each part by `checkValues`. */
export const withValueChecks = (weights: WeightStream): WeightStream => ({
  ...weights,
  async *parts() {
    for await (const each of partsOf(weights)) {
      const part = checkPart(each);
      checkValues(part.name, part.data, part.offset, weights.file);
      yield part;
    }
  },
});
