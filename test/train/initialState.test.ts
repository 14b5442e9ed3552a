/** The distribution that kernels are drawn from. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import { initialState } from '../../src/train/initialState.js';
import { refusal } from '../io/refusal.js';

const config = resolveConfig({ dims: [64, 128], strides: [2], num_classes: 4, act_num: 1, input_size: 16 });

/** The largest weight in standard deviations of 0.02, and the standard deviation of 8192 weights relative to it. */
function spread(truncation?: 'absolute' | 'two-sigma') {
  const values = [...(initialState(config, 3, truncation).get('stages.0.conv2.0.weight')?.data ?? [])];
  const root = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
  return { count: values.length, largest: Math.max(...values.map(Math.abs)) / 0.02, deviation: root / 0.02 };
}

describe('initialState', () => {
  test('draws kernels with the standard deviation 0.02, and does not cut them by default', () => {
    const { count, largest, deviation } = spread();
    expect(count).toBe(8192);
    // The largest of 8192 normal numbers is near 3.8, and their deviation within 4 parts in 128 of 1.
    expect(largest).toBeGreaterThan(3);
    expect(Math.abs(deviation - 1)).toBeLessThan(4 / 128);
    expect(spread('absolute')).toEqual(spread());
  });

  test('cuts at two standard deviations on request, which leaves 0.88 of one', () => {
    const { largest, deviation } = spread('two-sigma');
    expect(largest).toBeLessThanOrEqual(2);
    expect(largest).toBeGreaterThan(1.9);
    expect(Math.abs(deviation - 0.8796)).toBeLessThan(4 / 128);
  });

  test('has biases of 0, and norms of 1 and 0', () => {
    const state = initialState(config, 3);
    const values = (name: string): number[] => [...new Set(state.get(name)?.data)];
    const names = ['stem1.0.bias', 'stem1.1.weight', 'stem1.1.bias', 'stem1.1.running_mean', 'stem1.1.running_var'];
    expect(names.map(values)).toEqual([[0], [1], [0], [0], [1]]);
  });

  test('refuses another truncation', () => {
    expect(() => initialState(config, 3, 'none' as never)).toThrow(
      refusal(ParamError, 'initTruncation', 'absolute', 'none'),
    );
  });
});
