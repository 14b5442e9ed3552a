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

/** Errors of the reference have the same fields as those of the core, but other classes. */
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

  test('has the logits of the train form, on other images than the probe', async () => {
    const { data } = drawnImages(config, 2, 77);
    const [deep, shallow] = await Promise.all([
      (await Model.open(state, config, referenceBackend)).forward(data, 2),
      (await Model.open(fused.state, fused.config, referenceBackend)).forward(data, 2),
    ]);
    const largest = Math.max(...deep.map(Math.abs));
    // The logits are not all zero; the tolerance is a few hundred roundings of float64.
    expect(largest).toBeGreaterThan(0.01);
    expect(Math.max(...deep.map((v, i) => Math.abs(v - shallow[i])))).toBeLessThan(1e-13 * largest);
  });

  test('is compared on two images of input_size, or of probeSize', () => {
    expect(fused.probe.shape).toEqual([2, 3, 16, 20]);
    expect(fused.logits).toHaveLength(10);
    expect(fused.report.boundedLogits).toBe(5);
    expect(fused.report.maxDifference).toBeLessThan(1e-13 * fused.report.maxLogit);
    const small = fuseState(state, config, { probeSize: [12, 9] });
    expect(small.probe.shape).toEqual([2, 3, 12, 9]);
    expect(small.state).toEqual(fused.state);
    expect(small.logits).not.toEqual(fused.logits);
  });

  test('is compared on square images for a probeSize that is one number', () => {
    // As `input_size` may be one number: for callers without types.
    const square = fuseState(state, config, { probeSize: 12 as unknown as [number, number] });
    expect(square.probe).toEqual(fuseState(state, config, { probeSize: [12, 12] }).probe);
  });

  test('does not need num_batches_tracked', () => {
    const without = new Map([...state].filter(([name]) => !name.endsWith('.num_batches_tracked')));
    expect(without.size).toBe(state.size - 10);
    expect(fuseState(without, config).state).toEqual(fused.state);
  });
});

describe('fusion is refused', () => {
  test.each(['weight', 'running_var'])('for a detached %s', (part) => {
    const name = `stem1.1.${part}`;
    const data = new Float32Array(4);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    const detached = new Map(state).set(name, { data, shape: state.get(name)?.shape ?? [] });
    expect(() => fuseState(detached, config)).toThrow(refusal(`values in ${name}`, '0'));
  });

  const deploy = drawnConfig('deploy');
  const without = (missing: string): StateDict => new Map([...state].filter(([name]) => name !== missing));
  const cases: [string, () => FusedState, string, string][] = [
    ['for λ below 1', () => fuseState(state, { ...config, lambda: 0.999 }), 'lambda = 1', 'lambda = 0.999'],
    [
      'for λ = 0, which is not treated as missing',
      () => fuseState(state, { ...config, lambda: 0 }),
      'lambda = 1',
      'lambda = 0',
    ],
    [
      'for an unknown λ',
      () => fuseState(state, { ...config, lambda: null }),
      'lambda = 1',
      'none in the configuration',
    ],
    ['for the deploy form', () => fuseState(drawnState(deploy), deploy), 'the train form', 'the deploy form'],
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

test('the deploy form is used as it is', () => {
  const deploy = drawnConfig('deploy');
  const hint = 'It is fused already: use it as it is.';
  for (const lambda of [null, 1]) {
    expect(() => fuseState(drawnState(deploy), { ...deploy, lambda })).toThrow(expect.objectContaining({ hint }));
  }
});

describe('verification', () => {
  test('holds on both backends', async () => {
    const narrow = await verifyFused(fused, wasmBackend);
    expect(narrow.holds).toBe(true);
    expect(narrow.maxDifference).toBeGreaterThan(0);
    expect(narrow.maxDifference).toBeLessThan(fused.report.float32Bound);
    const exact = await verifyFused(fused, referenceBackend);
    expect(exact).toEqual({ tolerance: 'bound', holds: true, maxDifference: fused.report.maxDifference });
  });

  test.each(['logits', 'bounds', 'firstOrder'])('refuses %s of another type', async (key) => {
    const other = { ...fused, [key]: new BigInt64Array(10) };
    await expect(verifyFused(other, wasmBackend)).rejects.toThrow(
      expect.objectContaining({ op: `fused.${key}`, expected: 'a Float32Array or Float64Array' }),
    );
  });

  /** The fused network with one weight changed. */
  function withChange(name: string, change: (value: number) => number): FusedState {
    const tensor = fused.state.get(name);
    if (tensor === undefined) throw new Error(`no ${name} in the fused network`);
    const data = Float64Array.from(tensor.data);
    data[0] = change(data[0]);
    return { ...fused, state: new Map(fused.state).set(name, { ...tensor, data }) };
  }

  // A hundred times the bound on the logits: more than rounding can cause, but still a small error.
  const error = 100 * fused.report.float32Bound;
  test.each<[string, (value: number) => number]>([
    ['cls.2.bias', (v) => v + error],
    ['cls.2.bias', (v) => v - error],
    ['stem.0.weight', (v) => v + 0.01],
    ['stages.0.act.weight', (v) => -v],
    ['stages.1.conv.weight', () => 1e30],
  ])('does not hold if %s is changed', async (name, change) => {
    expect(await verifyFused(withChange(name, change), wasmBackend)).toMatchObject({ holds: false });
  });

  test('is refused if a weight exceeds float32', async () => {
    const verification = verifyFused(
      withChange('stages.1.conv.weight', () => 1e300),
      wasmBackend,
    );
    await expect(verification).rejects.toThrow(
      'stages.1.conv.weight: expected finite weights, got Infinity at element 0',
    );
  });

  test('does not hold if the error of the fusion exceeds the float32 bound', async () => {
    const report = { ...fused.report, maxDifference: 2 * fused.report.float32Bound };
    expect(await verifyFused({ ...fused, report }, wasmBackend)).toMatchObject({ holds: false });
  });
});
