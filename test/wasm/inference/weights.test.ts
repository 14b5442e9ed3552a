/** Streaming weights into the engine in parts, and the errors. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../../src/core/config.js';
import { WeightsError } from '../../../src/core/errors.js';
import type { StateDict } from '../../../src/core/tensor.js';
import { streamOf, type WeightPart, type WeightStream } from '../../../src/core/weights.js';
import { Model } from '../../../src/model/model.js';
import { createWasmBackend } from '../../../src/wasm/inference/backend.js';
import { refusal } from '../../io/refusal.js';
import { BUILDS } from '../builds.js';
import { draw, uniform } from '../draw.js';
import { drawState, NARROW } from '../networks.js';

const config = resolveConfig({ ...NARROW[0].sizes, form: 'deploy' });
const state = drawState(config);
const x = draw([config.in_chans, ...config.input_size], uniform(11)).data;

/** A tensor of more than one row and more than one part: [8,6,1,1]. */
const NAME = 'stages.1.conv.weight';
const SIZE = 48;

/** Splits a tensor into parts of equal length, which need not end with a row. */
const partsOf = (weights: StateDict, length: number): WeightPart[] =>
  [...weights].flatMap(([name, { data }]) =>
    Array.from({ length: Math.ceil(data.length / length) }, (_, i) => {
      const offset = i * length;
      return { name, offset, data: data.subarray(offset, offset + length) };
    }),
  );

const stream = (parts: readonly WeightPart[]): WeightStream => ({
  shapes: streamOf(state).shapes,
  // eslint-disable-next-line @typescript-eslint/require-await -- nothing here has to be waited for
  async *parts() {
    yield* parts;
  },
});

const CASES = BUILDS.flatMap((build) => [1, 2].map((threads) => ({ build, threads })));

describe.each(CASES)('$build, threads $threads', ({ build, threads }) => {
  const backend = createWasmBackend({ build, threads });
  const answer = async (weights: WeightStream): Promise<unknown> => {
    const model = await Model.load(weights, config, backend);
    const logits = await model.forward(x);
    model.dispose();
    return logits;
  };

  test('any split and any order of the tensors give the same bits', async () => {
    const whole = await answer(streamOf(state));
    const opened = await Model.open(state, config, backend);
    expect(await opened.forward(x)).toEqual(whole);
    for (const length of [1, 5, 7, 48]) expect(await answer(stream(partsOf(state, length)))).toEqual(whole);
    expect(await answer(stream(partsOf(state, 1e6).reverse()))).toEqual(whole);
    // A source may reuse one buffer for all parts.
    const block = new Float32Array(5);
    const reusing: WeightStream = {
      shapes: streamOf(state).shapes,
      // eslint-disable-next-line @typescript-eslint/require-await -- as above
      async *parts() {
        for (const { name, offset, data } of partsOf(state, 5)) {
          block.set(data);
          yield { name, offset, data: block.subarray(0, data.length) };
          block.fill(NaN);
        }
      },
    };
    expect(await answer(reusing)).toEqual(whole);
    opened.dispose();
  });

  const others = partsOf(state, 1e6).filter(({ name }) => name !== NAME);
  const values = (state.get(NAME)?.data ?? new Float32Array(0)) as Float32Array;
  const part = (offset: number, length: number): WeightPart => ({
    name: NAME,
    offset,
    data: Float32Array.from({ length }, (_, i) => values[(offset + i + SIZE) % SIZE]),
  });
  const ROWS: readonly (readonly [string, readonly WeightPart[], string, string])[] = [
    ['too few', [part(0, 40)], '48 values', '40'],
    ['none', [], '48 values', '0'],
    ['too many', [part(0, 49)], 'values from 0 to 48', 'values from 0 to 49'],
    ['too many values in the last part', [part(0, 40), part(40, 10)], 'values from 40 to 48', 'values from 40 to 50'],
    ['an additional part at the end', [part(0, 48), part(48, 1)], 'values from 48 to 48', 'values from 48 to 49'],
    ['the first half twice', [part(0, 24), part(0, 24)], 'values from 24 to 48', 'values from 0 to 24'],
    [
      'a part that overlaps the previous one',
      [part(0, 24), part(20, 24)],
      'values from 24 to 48',
      'values from 20 to 44',
    ],
    ['a gap', [part(0, 20), part(24, 24)], 'values from 20 to 48', 'values from 24 to 48'],
    ['the last part first', [part(24, 24), part(0, 24)], 'values from 0 to 48', 'values from 24 to 48'],
    ['a part that starts before the first value', [part(-1, 49)], 'values from 0 to 48', 'values from -1 to 48'],
  ];
  test.each(ROWS)('refuses %s', async (_, parts, expected, got) => {
    await expect(answer(stream([...others, ...parts]))).rejects.toThrow(refusal(WeightsError, NAME, expected, got));
  });

  test('refuses a tensor that the network does not have, even if earlier checks are bypassed', async () => {
    const foreign = { name: 'stages.9.conv.weight', offset: 0, data: new Float32Array(1) };
    const weights = stream([foreign, ...partsOf(state, 1e6)]);
    const refused = refusal(WeightsError, foreign.name, 'only the tensors of this network', 'one tensor more');
    await expect(answer(weights)).rejects.toThrow(refused);
    await expect(backend.open(weights, config)).rejects.toThrow(refused);
    // Refused earlier, by its shape.
    const shown = { ...weights, shapes: new Map([...weights.shapes, [foreign.name, [1]]]) };
    await expect(answer(shown)).rejects.toThrow(
      refusal(WeightsError, foreign.name, 'only the tensors', 'one tensor more'),
    );
  });

  test.each([NaN, Infinity, -Infinity])('refuses %p, and reports its position', async (value) => {
    const poisoned = new Map(state);
    for (const [name, { data, shape }] of state) {
      const at = data.length - 1;
      const copy = data.slice();
      copy[at] = value;
      poisoned.set(name, { data: copy, shape });
      const refused = refusal(WeightsError, name, 'finite weights', `${value} at element ${at}`);
      await expect(Model.open(poisoned, config, backend)).rejects.toThrow(refused);
      await expect(answer(stream(partsOf(poisoned, 5)))).rejects.toThrow(refused);
      poisoned.set(name, { data, shape });
    }
  });

  test('passes on an error of the stream, and can be opened afterwards', async () => {
    const broken: WeightStream = {
      shapes: streamOf(state).shapes,
      // eslint-disable-next-line @typescript-eslint/require-await -- as above
      async *parts() {
        yield* partsOf(state, 5).slice(0, 7);
        throw new Error('the connection is gone');
      },
    };
    await expect(answer(broken)).rejects.toThrow('the connection is gone');
    expect(await answer(stream(partsOf(state, 5)))).toEqual(await answer(streamOf(state)));
  });
});
