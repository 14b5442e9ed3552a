import { expect, test } from '@jest/globals';
import { randomWeights } from '../../src/cli/randomWeights.js';
import { resolveConfig } from '../../src/core/config.js';
import { parameterShapes } from '../../src/core/parameters.js';
import { sizeOf } from '../../src/core/tensor.js';

test.each([
  ['whole periods', 65_521],
  ['a period and a part', 20_000],
])('random weights fill each tensor in parts, in the range of its fan-in: %s', async (_, num_classes) => {
  // The last bias has as many values as there are classes, and the last kernel five times as many.
  const config = resolveConfig({ dims: [2, 5], strides: [2], act_num: 1, num_classes, form: 'deploy' });
  const shapes = parameterShapes(config);
  const weights = randomWeights(config);
  expect(weights.shapes).toEqual(shapes);
  const filled = new Map<string, number>();
  for await (const { name, offset, data } of weights.parts()) {
    expect(offset).toBe(filled.get(name) ?? 0);
    expect(data.length).toBeGreaterThan(0);
    filled.set(name, offset + data.length);
    const width = 1 / Math.sqrt(sizeOf((shapes.get(name) ?? []).slice(1)));
    const largest = Math.max(...Array.from(data, Math.abs));
    expect(largest).toBeLessThanOrEqual(width);
    if (data.length > 1000) expect(largest).toBeGreaterThan(0.99 * width);
  }
  expect(filled).toEqual(new Map([...shapes].map(([name, shape]) => [name, sizeOf(shape)])));
});
