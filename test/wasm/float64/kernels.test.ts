/** The float64 kernels give every bit of the loops of their equations; the debug build checks their arguments. */
import { instantiate as instantiateDebug } from '@assemblyscript/loader';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { bytes } from '#wasm/float64-plain';
import { FLOAT64, openFloat64, type Float64Exports } from '../../../src/wasm/float64/kernels.js';
import { compileNow, instantiate } from '../../../src/wasm/module.js';
import { compile, FLOAT64_ENTRY } from '../compile.js';
import { SAMPLES, symptom } from './samples.js';

const samples = SAMPLES.map((sample) => [sample.label, sample] as const);

test.each(samples)('%s', async (_, sample) => {
  expect(symptom(await instantiate(FLOAT64, bytes), sample)).toBeNull();
});

describe('the debug build', () => {
  let kernels: Float64Exports;
  beforeAll(async () => {
    const { exports } = await instantiateDebug<Record<keyof Float64Exports, unknown>>(
      await compile('debug', FLOAT64_ENTRY),
    );
    kernels = exports as Float64Exports;
  });

  test('accepts the arguments of every sample', () => {
    for (const sample of SAMPLES) expect(symptom(kernels, sample)).toBeNull();
  });

  test.each<[string, () => void]>([
    [
      'multiply: sizes must be at least 1',
      () => {
        kernels.multiply(1024, 2048, 4096, 1, 1, 0);
      },
    ],
    [
      'accumulate: sizes must be at least 1',
      () => {
        kernels.accumulate(1024, 2048, 4096, 8192, 0, 1, 1);
      },
    ],
    [
      'depthwise: sizes must be at least 1',
      () => {
        kernels.depthwise(1024, 2048, 4096, 0, 1, 0, 1);
      },
    ],
    [
      'depthwiseBackward: sizes must be at least 1',
      () => {
        kernels.depthwiseBackward(1024, 2048, 4096, 0, 1, 1);
      },
    ],
  ])('refuses: %s', (message, call) => {
    expect(call).toThrow(message);
  });
});

describe('blocks', () => {
  test('follow each other, and the memory grows for them', () => {
    const kernels = openFloat64();
    const [first, second] = kernels?.reserve(3, 2 ** 17) ?? [];
    expect(first.address % 16).toBe(0);
    expect(second.address).toBe(first.address + 24);
    expect([first.values.length, second.values.length]).toEqual([3, 2 ** 17]);
    expect(second.values.byteOffset).toBe(second.address);
    second.values.fill(1);
    first.values.fill(2);
    expect(second.values[0]).toBe(1);
    const size = kernels?.run.memory.buffer.byteLength;
    kernels?.reserve(3, 2 ** 17);
    expect(kernels?.run.memory.buffer.byteLength).toBe(size);
  });
});

describe('a runtime that compiles no module from bytes', () => {
  const scope = globalThis as { WebAssembly?: unknown };
  const { WebAssembly } = scope;

  test.each<[string, unknown]>([
    ['without WebAssembly', undefined],
    [
      'that refuses',
      {
        Module: () => {
          throw new Error('no code generation');
        },
      },
    ],
  ])('%s gets no kernels', (_, replacement) => {
    scope.WebAssembly = replacement;
    try {
      expect(openFloat64()).toBeNull();
    } finally {
      scope.WebAssembly = WebAssembly;
    }
  });

  test('is an error of bytes that are no module', () => {
    expect(() => compileNow(Uint8Array.of(1))).toThrow('a runtime that compiles WebAssembly from bytes');
  });
});
