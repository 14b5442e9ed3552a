import { describe, expect, test } from '@jest/globals';
import { FusionError } from '../../reference/index.js';
import { checkState } from '../../src/core/parameters.js';
import type { StateDict } from '../../src/core/tensor.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { fuseState, type FusedState } from '../../src/oracle/fuse.js';
import { verifyFused } from '../../src/oracle/verify.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';

const config = drawnConfig('train');
const state = drawnState(config);
const fused = fuseState(state, config);

/** The reference's errors have the same fields as the core's, but a class of their own. */
const refusal = (expected: string, got: string): ReturnType<typeof expect.anything> =>
  expect.objectContaining({
    name: FusionError.name,
    op: 'fuse',
    expected: expect.stringContaining(expected),
    got: expect.stringContaining(got),
  });

describe('a fused network', () => {
  test('is the deploy form of the same network', () => {
    expect(fused.config).toEqual({ ...config, form: 'deploy', lambda: 1 });
    expect(() => {
      checkState(fused.state, fused.config);
    }).not.toThrow();
  });

  test('answers as the deep one does, on other images than the probe', async () => {
    const { data } = drawnImages(config, 2, 77);
    const [deep, shallow] = await Promise.all([
      (await Model.open(state, config, referenceBackend)).forward(data, 2),
      (await Model.open(fused.state, fused.config, referenceBackend)).forward(data, 2),
    ]);
    const largest = Math.max(...deep.map(Math.abs));
    // A few hundred roundings of float64, of a signal that is there.
    expect(largest).toBeGreaterThan(0.01);
    expect(Math.max(...deep.map((v, i) => Math.abs(v - shallow[i])))).toBeLessThan(1e-13 * largest);
  });

  test('was measured on two images of the input’s size, or of the size asked for', () => {
    expect(fused.probe.shape).toEqual([2, 3, 16, 20]);
    expect(fused.logits).toHaveLength(10);
    expect(fused.report.boundedLogits).toBe(5);
    expect(fused.report.maxDifference).toBeLessThan(1e-13 * fused.report.maxLogit);
    const asked = fuseState(state, config, { probeSize: [12, 9] });
    expect(asked.probe.shape).toEqual([2, 3, 12, 9]);
    expect(asked.state).toEqual(fused.state);
    expect(asked.logits).not.toEqual(fused.logits);
  });

  test('does not need num_batches_tracked', () => {
    const without = new Map([...state].filter(([name]) => !name.endsWith('.num_batches_tracked')));
    expect(without.size).toBe(state.size - 10);
    expect(fuseState(without, config).state).toEqual(fused.state);
  });
});

describe('fusion is refused', () => {
  const deploy = drawnConfig('deploy');
  const without = (missing: string): StateDict => new Map([...state].filter(([name]) => name !== missing));
  const cases: [string, () => FusedState, string, string][] = [
    ['below λ = 1', () => fuseState(state, { ...config, lambda: 0.999 }), 'lambda = 1', 'lambda = 0.999'],
    ['at λ = 0, which is a value', () => fuseState(state, { ...config, lambda: 0 }), 'lambda = 1', 'lambda = 0'],
    ['where nobody states λ', () => fuseState(state, { ...config, lambda: null }), 'lambda = 1', 'lambda = NaN'],
    ['of what is fused', () => fuseState(drawnState(deploy), deploy), 'the train form', 'the deploy form'],
    [
      'without running statistics',
      () => fuseState(without('stem1.1.running_var'), config),
      'running statistics: stem1.1.running_var',
      'none',
    ],
  ];
  test.each(cases)('%s', (_, fuse, expected, got) => {
    expect(fuse).toThrow(refusal(expected, got));
  });
});

describe('verification', () => {
  test('holds on either backend', async () => {
    const narrow = await verifyFused(fused, wasmBackend);
    expect(narrow.holds).toBe(true);
    expect(narrow.maxDifference).toBeGreaterThan(0);
    expect(narrow.maxDifference).toBeLessThan(fused.report.float32Bound);
    const exact = await verifyFused(fused, referenceBackend);
    expect(exact).toEqual({ tolerance: 'bound', holds: true, maxDifference: fused.report.maxDifference });
  });

  /** The fused network with one of its numbers changed. */
  function tampered(name: string, change: (value: number) => number): FusedState {
    const tensor = fused.state.get(name);
    if (tensor === undefined) throw new Error(`no ${name} in the fused network`);
    const data = Float64Array.from(tensor.data);
    data[0] = change(data[0]);
    return { ...fused, state: new Map(fused.state).set(name, { ...tensor, data }) };
  }

  // A hundred times the bound on the logits: far from what rounding may do, and invisible to the eye.
  const slip = 100 * fused.report.float32Bound;
  test.each<[string, (value: number) => number]>([
    ['cls.2.bias', (v) => v + slip],
    ['cls.2.bias', (v) => v - slip],
    ['stem.0.weight', (v) => v + 0.01],
    ['stages.0.act.weight', (v) => -v],
    ['stages.1.conv.weight', () => 1e30],
  ])('does not hold where %s is tampered with', async (name, change) => {
    expect(await verifyFused(tampered(name, change), wasmBackend)).toMatchObject({ holds: false });
  });

  test('is refused where float32 cannot hold a weight', async () => {
    const beyond = verifyFused(
      tampered('stages.1.conv.weight', () => 1e300),
      wasmBackend,
    );
    await expect(beyond).rejects.toThrow('stages.1.conv.weight: expected finite weights, got Infinity at element 0');
  });

  test('does not hold where the fusion itself was off by more than float32 is', async () => {
    const report = { ...fused.report, maxDifference: 2 * fused.report.float32Bound };
    expect(await verifyFused({ ...fused, report }, wasmBackend)).toMatchObject({ holds: false });
  });
});
