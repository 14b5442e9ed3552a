import { describe, expect, test } from '@jest/globals';
import { fit, shardsOf, type Need } from '../../src/deploy/fit.js';
import { checkTarget, type TargetRow } from '../../src/deploy/target.js';

const MIB = 2 ** 20;

const ROW: TargetRow = {
  name: 'here',
  date: '2026-11-24',
  source: 'https://example.org/limits',
  memory_bytes: 128 * MIB,
};
const NEED: Need = { memory_bytes: 75 * MIB, file_bytes: 60 * MIB, cpu_ms: 200, batch: 1 };

const fitOf = (row: Partial<TargetRow>, need: Partial<Need> = {}) =>
  fit(checkTarget({ ...ROW, ...row }, 'row'), { ...NEED, ...need });

describe('a limit', () => {
  test('of null always holds', () => {
    const { fits, cpu_ms, weights_bytes, usd } = fitOf({});
    expect(fits).toBe(true);
    expect(cpu_ms).toEqual({ needed: 200, limit: null, fits: true });
    expect(weights_bytes).toEqual({ needed: 60 * MIB, limit: null, fits: true, where: 'code', files: 1 });
    expect(usd).toBeNull();
  });

  test('holds up to the last byte and millisecond', () => {
    const limits = { memory_bytes: 75 * MIB, code_bytes: 60 * MIB, cpu_ms: 200 };
    expect(fitOf(limits).fits).toBe(true);
    expect(fitOf(limits, { memory_bytes: 75 * MIB + 1 })).toMatchObject({ fits: false, memory_bytes: { fits: false } });
    expect(fitOf(limits, { file_bytes: 60 * MIB + 1 })).toMatchObject({ fits: false, weights_bytes: { fits: false } });
    expect(fitOf(limits, { cpu_ms: 200.001 })).toMatchObject({ fits: false, cpu_ms: { fits: false } });
  });

  test('of memory includes the runtime', () => {
    expect(fitOf({ runtime_bytes: 53 * MIB }).memory_bytes).toMatchObject({ needed: 128 * MIB, fits: true });
    expect(fitOf({ runtime_bytes: 53 * MIB + 1 }).memory_bytes.fits).toBe(false);
  });

  test('of CPU time is for a request with all its images', () => {
    expect(fitOf({ cpu_ms: 800 }, { batch: 4 }).cpu_ms).toEqual({ needed: 800, limit: 800, fits: true });
    expect(fitOf({ cpu_ms: 799 }, { batch: 4 }).fits).toBe(false);
  });

  test('does not matter without WebAssembly', () => {
    expect(fitOf({ webassembly: false }).fits).toBe(false);
  });
});

describe('weights as static files', () => {
  const asset_bytes = 25 * MIB;
  test.each([
    [25 * MIB, 1],
    [25 * MIB + 1, 2],
    [48 * MIB, 2],
    [48 * MIB + 1, 3],
  ])('of %d bytes are %d files', (file_bytes, files) => {
    const { fits, weights_bytes } = fitOf({ asset_bytes, code_bytes: 1 }, { file_bytes });
    expect(fits).toBe(true);
    expect(weights_bytes).toMatchObject({ fits: true, where: 'assets', files });
  });

  test('do not fit if a shard does not', () => {
    expect(fitOf({ asset_bytes: 24 * MIB }).fits).toBe(true);
    expect(fitOf({ asset_bytes: 24 * MIB - 1 }).fits).toBe(false);
  });

  test('are counted in shards of 24 MiB', () => {
    expect([1, 24 * MIB, 24 * MIB + 1].map(shardsOf)).toEqual([1, 1, 2]);
  });
});

describe('a million images', () => {
  test('are as many requests, each of its CPU time', () => {
    const price = { usd_per_million_requests: 0.3, usd_per_million_cpu_ms: 0.02, included_cpu_ms: 30e6 };
    // 0.30 + 200 · 0.02; the plan includes 30 million ms.
    expect(fitOf({ price }).usd?.further_million).toBeCloseTo(4.3, 12);
    expect(fitOf({ price }).usd?.first_million).toBeCloseTo(3.7, 12);
    // A quarter of the requests with the same total CPU time.
    expect(fitOf({ price }, { batch: 4 }).usd?.further_million).toBeCloseTo(4.075, 12);
  });

  const LAMBDA = {
    memory_bytes: 10_240 * MIB,
    min_memory_bytes: 128 * MIB,
    whole_cpu_bytes: 1769 * MIB,
    price: { usd_per_million_requests: 0.2, usd_per_gb_second: 0.0000166667 },
  };

  test('are billed for the least sufficient memory size, with its share of a processor', () => {
    const { memory_bytes, cpu_ms, usd } = fitOf({ ...LAMBDA, runtime_bytes: 64 * MIB });
    expect(memory_bytes.chosen).toBe(139 * MIB);
    // 200 · 1769 / 139 = 2545.3, billed as 2546 ms: 139/1024 · 2.546 = 0.3456 GB-s.
    expect(cpu_ms.needed).toBeCloseTo(2545.3237, 4);
    expect(usd?.further_million).toBeCloseTo(0.2 + 345_599.609375 * 0.0000166667, 9);
  });

  test('are billed in whole MiB, and for at least the minimum', () => {
    expect(fitOf(LAMBDA, { memory_bytes: 1 }).memory_bytes.chosen).toBe(128 * MIB);
    expect(fitOf(LAMBDA, { memory_bytes: 200 * MIB + 1 }).memory_bytes.chosen).toBe(201 * MIB);
  });

  test('use at most one processor, because there is one thread', () => {
    const { cpu_ms, usd } = fitOf(LAMBDA, { memory_bytes: 2048 * MIB });
    expect(cpu_ms.needed).toBe(200);
    // 2 GB · 0.2 s
    expect(usd?.further_million).toBeCloseTo(0.2 + 400_000 * 0.0000166667, 9);
  });

  test('have no price if no memory size suffices', () => {
    const { fits, memory_bytes, usd } = fitOf(LAMBDA, { memory_bytes: 10_240 * MIB + 1 });
    expect([fits, memory_bytes.chosen, usd]).toEqual([false, null, null]);
  });
});
