import { WeightsError } from './errors.js';
import { checkValues } from './parameters.js';
import { sizeOf, type FloatArray, type StateDict, type Tensor } from './tensor.js';

/** Values of a tensor that follow each other, the first of them at `offset`. */
export interface WeightPart {
  readonly name: string;
  readonly offset: number;
  /** The giver's: good until the next part is asked for. */
  readonly data: FloatArray;
}

/**
 * Weights on their way in: what they are is known, their values come part by part,
 * so that nobody has to hold all of them. Parts can be asked for once; each
 * tensor's come in order and without gaps.
 */
export interface WeightStream {
  /** How errors call what they come from, where that has a name. */
  readonly file?: string | undefined;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  parts(): AsyncIterable<WeightPart>;
}

/** Weights in memory as a stream: a tensor, a part. */
export const streamOf = (state: StateDict): WeightStream => ({
  shapes: new Map([...state].map(([name, { shape }]) => [name, shape])),
  // eslint-disable-next-line @typescript-eslint/require-await -- nothing here has to be waited for
  async *parts() {
    for (const [name, { data }] of state) yield { name, offset: 0, data };
  },
});

/**
 * The parts of a stream, of which each continues where the tensor's last one ended,
 * until every tensor is complete: a gap would be left as it was, and what comes twice
 * would be counted for it.
 *
 * @param shapes of the tensors that are to come; those that the stream names where not given
 * @throws WeightsError naming the tensor
 */
export async function* sequentialParts(weights: WeightStream, shapes = weights.shapes): AsyncGenerator<WeightPart> {
  const filled = new Map<string, number>();
  for (const name of shapes.keys()) filled.set(name, 0);
  for await (const part of weights.parts()) {
    const { name, offset, data } = part;
    const [shape, from] = [shapes.get(name), filled.get(name)];
    if (shape === undefined || from === undefined) {
      throw new WeightsError({ op: name, expected: 'only the tensors of this network', got: 'one tensor more' });
    }
    if (offset !== from || from + data.length > sizeOf(shape)) {
      const expected = `values from ${from} to ${sizeOf(shape)}`;
      throw new WeightsError({ op: name, expected, got: `values from ${offset} to ${offset + data.length}` });
    }
    filled.set(name, from + data.length);
    yield part;
  }
  for (const [name, shape] of shapes) {
    const count = filled.get(name);
    if (count === sizeOf(shape)) continue;
    throw new WeightsError({ op: name, expected: `${sizeOf(shape)} values`, got: `${count ?? 0}` });
  }
}

/** All of a stream, in memory, each tensor as wide as its first part. @throws WeightsError as `inOrder` */
export async function collectState(weights: WeightStream): Promise<StateDict> {
  const state = new Map<string, Tensor>();
  for await (const { name, offset, data } of sequentialParts(weights)) {
    const shape = weights.shapes.get(name) ?? [];
    let tensor = state.get(name);
    if (tensor === undefined) {
      const whole = data instanceof Float64Array ? new Float64Array(sizeOf(shape)) : new Float32Array(sizeOf(shape));
      state.set(name, (tensor = { data: whole, shape }));
    }
    tensor.data.set(data, offset);
  }
  return new Map(
    [...weights.shapes].map(([name, shape]) => [name, state.get(name) ?? { data: new Float32Array(0), shape }]),
  );
}

/** A stream whose every part has passed `checkValues`. */
export const withValueChecks = (weights: WeightStream): WeightStream => ({
  ...weights,
  async *parts() {
    for await (const part of weights.parts()) {
      checkValues(part.name, part.data, part.offset, weights.file);
      yield part;
    }
  },
});
