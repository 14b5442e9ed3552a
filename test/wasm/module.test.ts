import { gzipSync } from 'node:zlib';
import { bytes } from '#wasm/plain';
import { bytes as relaxed } from '#wasm/relaxed';
import { afterEach, describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { BackendUnavailableError, ParamError } from '../../src/core/errors.js';
import { Arena } from '../../src/wasm/arena.js';
import { streamOf } from '../../src/core/weights.js';
import { createWasmBackend, wasmBackend } from '../../src/wasm/inference/backend.js';
import type { BuildChoice } from '../../src/wasm/build.js';
import { threadedBytesOf } from '../../src/wasm/inference/build.js';
import { INFERENCE, instantiate, TRAINING, validates, type CompiledModule } from '../../src/wasm/module.js';
import { opsBytesOf } from '../../src/wasm/ops/build.js';
import { OPS } from '../../src/wasm/ops/kernels.js';
import { openOps } from '../../src/wasm/ops/openOps.js';
import { trainingBytesOf } from '../../src/wasm/training/build.js';
import { drawState, NARROW } from './networks.js';

interface WebAssemblyGlobal {
  Module: (new (bytes: Uint8Array) => CompiledModule) & { imports(module: CompiledModule): unknown[] };
  validate: (bytes: Uint8Array) => boolean;
  compile: (bytes: Uint8Array) => Promise<CompiledModule>;
}
const realm = globalThis as { WebAssembly?: WebAssemblyGlobal };
const real = realm.WebAssembly;
if (real === undefined) throw new Error('no WebAssembly here');

describe('the plain module', () => {
  test('imports nothing', () => {
    expect(real.Module.imports(new real.Module(bytes))).toEqual([]);
  });

  test('is smaller than 4 kB gzip', () => {
    expect(gzipSync(bytes, { level: 9 }).length).toBeLessThan(4_000);
  });

  test('can be passed as a compiled module', async () => {
    const ops = await openOps({ source: new real.Module(opsBytesOf('plain')) });
    expect(ops.leakyRelu({ data: Float32Array.of(-2, 2), shape: [2] }, 0.5).data).toEqual(Float32Array.of(-1, 2));
  });
});

describe('the relaxed module', () => {
  test('imports nothing and is smaller than 4 kB gzip', () => {
    expect(gzipSync(relaxed, { level: 9 }).length).toBeLessThan(4_000);
    if (validates(relaxed)) expect(real.Module.imports(new real.Module(relaxed))).toEqual([]);
  });

  test('runs with relaxed SIMD, reports its build, and is a typed error elsewhere', async () => {
    const config = resolveConfig({ ...NARROW[0].sizes, form: 'deploy' });
    const open = async (build: BuildChoice): Promise<string> =>
      (await createWasmBackend({ build }).open(streamOf(drawState(config)), config)).info.build;
    expect(await open('plain')).toBe('plain');
    expect(await open('auto')).toBe(validates(relaxed) ? 'relaxed' : 'plain');
    if (validates(relaxed)) {
      expect(await open('relaxed')).toBe('relaxed');
    } else {
      await expect(open('relaxed')).rejects.toThrow(BackendUnavailableError);
      await expect(open('relaxed')).rejects.toThrow('wasm: expected a runtime with relaxed SIMD');
    }
  });
});

describe.each(['plain', 'relaxed'] as const)('the %s module for several threads', (build) => {
  test('imports only its memory and a clock, and is smaller than 4 kB gzip', async () => {
    const threaded = await threadedBytesOf(build);
    expect(gzipSync(threaded, { level: 9 }).length).toBeLessThan(4_000);
    if (!validates(threaded)) return;
    const imports = real.Module.imports(new real.Module(threaded));
    expect(imports).toEqual([
      { module: 'clock', name: 'now', kind: 'function' },
      { module: 'env', name: 'memory', kind: 'memory' },
    ]);
  });
});

describe('if the module does not run', () => {
  afterEach(() => {
    realm.WebAssembly = real;
  });

  test('without WebAssembly', async () => {
    delete realm.WebAssembly;
    await expect(instantiate(INFERENCE, bytes)).rejects.toThrow(BackendUnavailableError);
    await expect(instantiate(INFERENCE, bytes)).rejects.toThrow(
      'wasm: expected a runtime with WebAssembly, got a runtime without WebAssembly',
    );
  });

  test('without SIMD', async () => {
    realm.WebAssembly = { ...real, Module: real.Module, validate: () => false };
    await expect(instantiate(INFERENCE, bytes)).rejects.toThrow(BackendUnavailableError);
    await expect(instantiate(INFERENCE, bytes)).rejects.toThrow('128-bit SIMD');
  });

  test('with another module', async () => {
    const empty = new real.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    await expect(instantiate(INFERENCE, empty)).rejects.toThrow(
      "wasm: expected this package's module for inference, got another module",
    );
    await expect(instantiate(INFERENCE, {})).rejects.toThrow(BackendUnavailableError);
    const kernels = await instantiate(INFERENCE, bytes.slice().buffer);
    expect(kernels.isRelaxed()).toBe(0);
  });

  test.each([
    { expected: 'inference', open: () => instantiate(INFERENCE, trainingBytesOf('plain')) },
    { expected: 'inference', open: () => instantiate(INFERENCE, opsBytesOf('plain')) },
    { expected: 'training', open: () => instantiate(TRAINING, bytes) },
    { expected: 'training', open: () => instantiate(TRAINING, opsBytesOf('plain')) },
    { expected: 'ops', open: () => instantiate(OPS, trainingBytesOf('plain')) },
    { expected: 'ops', open: () => openOps({ source: bytes }) },
  ])('another module of this package in place of that for $expected is refused', async ({ expected, open }) => {
    const message = `wasm: expected this package's module for ${expected}, got another module`;
    await expect(open()).rejects.toThrow(BackendUnavailableError);
    await expect(open()).rejects.toThrow(message);
  });

  test.each([
    ['fast', undefined],
    ['relaxd', 'Did you mean relaxed?'],
    ['palin', 'Did you mean plain?'],
    [null, undefined],
    [5, undefined],
  ])('an invalid build is an error: %p', (build, hint) => {
    const create = () => createWasmBackend({ build: build as unknown as BuildChoice });
    expect(create).toThrow(
      expect.objectContaining({ op: 'build', expected: 'one of auto, plain, relaxed', ...(hint && { hint }) }),
    );
  });

  test('if bytes may not be compiled', async () => {
    const compile = (): Promise<CompiledModule> => Promise.reject(new Error('code generation disallowed'));
    realm.WebAssembly = { ...real, validate: () => true, compile };
    await expect(instantiate(INFERENCE, bytes)).rejects.toThrow(BackendUnavailableError);
    await expect(instantiate(INFERENCE, bytes)).rejects.toThrow('code generation disallowed');
  });
});

describe('memory', () => {
  test('blocks are aligned to 16 bytes and do not overlap', () => {
    const arena = new Arena('test', 8);
    expect([arena.reserveFloats(1), arena.reserve(17), arena.reserveFloats(0), arena.reserve(1)]).toEqual([
      16, 32, 64, 64,
    ]);
  });

  test('nothing is allocated beyond 4 GiB', () => {
    const arena = new Arena('test', 0);
    arena.reserve(2 ** 32 - 16);
    expect(() => arena.reserve(32)).toThrow(ParamError);
    expect(() => new Arena('test', 0).reserve(5 * 2 ** 30)).toThrow(
      'test: expected what fits into 4096 MiB of WebAssembly memory, got at least 5120 MiB',
    );
  });

  test('a machine without enough memory is a BackendUnavailableError', () => {
    const arena = new Arena('test', 0);
    arena.reserve(2 ** 20);
    const memory = {
      buffer: new ArrayBuffer(0),
      grow: (): number => {
        throw new RangeError('out of memory');
      },
    };
    expect(() => {
      arena.commit(memory);
    }).toThrow(BackendUnavailableError);
  });

  test('a network that does not fit is an error before weights are read', async () => {
    const config = resolveConfig({ variant: 'vanillanet_5', form: 'deploy', input_size: [40_000, 40_000] });
    await expect(wasmBackend.open(streamOf(new Map()), config)).rejects.toThrow(ParamError);
  });
});
