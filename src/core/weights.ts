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

/** All of a stream, in memory; in float64 where any part of a tensor is. */
export async function collect(weights: WeightStream): Promise<StateDict> {
  const state = new Map<string, Tensor>();
  for await (const { name, offset, data } of weights.parts()) {
    const shape = weights.shapes.get(name) ?? [];
    let tensor = state.get(name);
    if (tensor === undefined) {
      const whole = data instanceof Float64Array ? new Float64Array(sizeOf(shape)) : new Float32Array(sizeOf(shape));
      state.set(name, (tensor = { data: whole, shape }));
    }
    tensor.data.set(data, offset);
  }
  return new Map(
    [...weights.shapes.keys()].flatMap((name) => {
      const tensor = state.get(name);
      return tensor === undefined ? [] : [[name, tensor]];
    }),
  );
}

/** A stream whose every part has passed `checkValues`. */
export const checked = (weights: WeightStream): WeightStream => ({
  ...weights,
  async *parts() {
    for await (const part of weights.parts()) {
      checkValues(part.name, part.data, part.offset, weights.file);
      yield part;
    }
  },
});
