/** The gradients that vanish in the reference are exactly those that `vanishing` lists. */
import { expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { IEEE } from '../judges/arithmetic.js';
import { runChain } from '../judges/training/chain.js';
import { shifts, vanishing } from '../judges/training/vanishing.js';
import { untrainedState } from '../judges/training/untrainedState.js';
import { draw, uniform } from '../wasm/draw.js';

const config = resolveConfig({
  dims: [3, 4, 5],
  strides: [2, 1],
  act_num: 1,
  num_classes: 5,
  in_chans: 2,
  input_size: 16,
  form: 'train',
});
const N = 6;

test.each([0.25, 1])('biases before a batch norm have no gradient, λ %d', (lambda) => {
  const state = untrainedState(config);
  const x = draw([N, 2, 16, 16], uniform(1));
  const run = (from: typeof state) => runChain(config, from, x, { training: true, lambda, mask: null }, IEEE);
  const all = run(state);
  const grads = all.backward(draw([N, 5], uniform(2)));
  const sizes = [...grads].map(([name, { data }]) => [name, Math.hypot(...data)] as const);
  const zeroGrads = sizes.filter(([, size]) => size < 1e-12).map(([name]) => name);
  const listed = vanishing(config, lambda);
  expect(zeroGrads.sort()).toEqual(listed.map(({ bias }) => bias).sort());
  expect(Math.min(...sizes.filter(([, size]) => size >= 1e-12).map(([, size]) => size))).toBeGreaterThan(1e-3);
  expect(listed.some(({ bias }) => bias.endsWith('conv1.1.bias'))).toBe(lambda === 1);

  // Without these biases, the running means are smaller by a tenth of their shifts, and nothing else changes.
  const without = new Map(state);
  for (const { bias } of listed) {
    const { data, shape } = state.get(bias) ?? { data: [], shape: [] };
    without.set(bias, { data: new Float64Array(data.length), shape });
  }
  const [meanShifts, after] = [shifts(listed, state), run(without).buffers];
  for (const [name, { data }] of all.buffers) {
    const shift = name.endsWith('running_mean') ? meanShifts.get(name.replace('.running_mean', '')) : undefined;
    for (const [i, value] of data.entries()) {
      expect(Math.abs(value - 0.1 * (shift?.[i] ?? 0) - (after.get(name)?.data[i] ?? NaN))).toBeLessThan(1e-12);
    }
  }
});
