/** Weights of other frameworks where commands take weights: what is read, fused and refused. */
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { dtypeFor } from '../../src/cli/convert.js';
import { recognitionOptions } from '../../src/cli/recognitionFlags.js';
import { printRecognition } from '../../src/cli/recognitionReport.js';
import { loadNetwork, networkSource, readNetworkWeights, requireLambda } from '../../src/cli/weights.js';
import type { Backend } from '../../src/core/backend.js';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { importWeights } from '../../src/formats/importWeights.js';
import type { Recognition } from '../../src/formats/recognize.js';
import { cutShards } from '../../src/io/cutShards.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';

const path = temporaryFolder();
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../formats/fixtures/network/${name}`, import.meta.url));
const OFFICIAL = fixture('official.pth');
const STATE = fixture('state.pth');
const config = { input_size: 32, strides: [2, 1] };

/** What a call writes to standard error or standard output. */
async function writtenTo(stream: 'stdout' | 'stderr', call: () => unknown): Promise<string> {
  const write = jest.spyOn(process[stream], 'write').mockReturnValue(true);
  try {
    await call();
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
  }
}

const quiet = async <T>(call: () => Promise<T>): Promise<T> => {
  let result: T | undefined;
  await writtenTo('stderr', async () => (result = await call()));
  return result as T;
};

beforeAll(async () => {
  const deploy = drawnConfig('deploy');
  await writeFile(path('deploy.safetensors'), encodeSafetensors(drawnState(deploy)));
  await writeWeights(path('own.safetensors'), drawnState(deploy), deploy);
  const bytes = encodeSafetensors(drawnState(deploy));
  const { index, shards } = cutShards(bytes, { name: 'net' });
  await writeFile(path('whole.json'), JSON.stringify(index));
  for (const [file, shard] of shards) await writeFile(path(file), shard);
  await writeFile(path('lost.json'), JSON.stringify(cutShards(bytes, { name: 'lost' }).index));
  await writeFile(path('half.json'), JSON.stringify({ ...config, lambda: 0.5 }));
});

describe('loadNetwork', () => {
  const load = (file: string, backend: Backend = wasmBackend, more: object = config) =>
    quiet(() => loadNetwork(file, { backend, config: { ...more } }));

  test('runs the train form on the reference, and its fused form elsewhere', async () => {
    const [exact, fused] = [await load(OFFICIAL, referenceBackend), await load(OFFICIAL)];
    expect([exact.config.form, fused.config.form]).toEqual(['train', 'deploy']);
    const x = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => ((i * i) % 1009) / 504 - 1);
    const [expected, got] = [await exact.forward(x), await fused.forward(x)];
    got.forEach((logit, i) => {
      expect(logit).toBeCloseTo(expected[i], 5);
    });
    fused.dispose();
  });

  test('runs the deploy form as it is', async () => {
    const fusing = writtenTo('stderr', async () => {
      const { strides } = drawnConfig('deploy');
      const model = await loadNetwork(path('deploy.safetensors'), { backend: wasmBackend, config: { strides } });
      expect(model.config.form).toBe('deploy');
      model.dispose();
    });
    expect(await fusing).toBe('');
  });

  test('says what it took, guessed and fused', async () => {
    const text = await writtenTo('stderr', async () => {
      (await loadNetwork(STATE, { backend: wasmBackend })).dispose();
    });
    expect(text).toContain(`${STATE}: guessed strides [2, 1]`);
    expect(text).toContain(`${STATE}: assumed lambda 1, as the official evaluation does\n`);
    expect(text).toContain(`${STATE}: fused in memory; keep the result by vanillanet fuse ${STATE} OUT --lambda 1\n`);
    const official = await writtenTo('stderr', async () => {
      (await loadNetwork(OFFICIAL, { backend: wasmBackend, config })).dispose();
    });
    expect(official).toBe(
      `${OFFICIAL}: took model_ema, the exponential moving average\n` +
        `${OFFICIAL}: fused in memory; keep the result by vanillanet fuse ${OFFICIAL} OUT\n`,
    );
  });

  test('fuses a network that needs larger images than those it is compared on', async () => {
    const deep = resolveConfig({
      dims: [2, 4, 8, 16, 32],
      strides: [2, 2, 2, 2],
      num_classes: 2,
      form: 'train',
      lambda: 1,
    });
    await writeFile(path('deep.safetensors'), encodeSafetensors(drawnState(deep)));
    const model = await load(path('deep.safetensors'), wasmBackend, { lambda: 1 });
    expect(model.config).toMatchObject({ form: 'deploy', strides: [2, 2, 2, 2], input_size: [224, 224] });
    model.dispose();
  });

  test('says which tensors it left out', async () => {
    const extra = { data: new Float32Array(2), shape: [2] };
    const state = new Map(drawnState(drawnConfig('deploy'))).set('head.bias', extra);
    await writeFile(path('more.safetensors'), encodeSafetensors(state));
    const { strides } = drawnConfig('deploy');
    const text = await writtenTo('stderr', () =>
      loadNetwork(path('more.safetensors'), { backend: referenceBackend, config: { strides } }),
    );
    expect(text).toBe(`${path('more.safetensors')}: left out head.bias\n`);
  });

  test('assumes λ of 1, and refuses another, except on the reference', async () => {
    expect((await load(STATE, referenceBackend)).config.lambda).toBe(1);
    const half = { ...config, lambda: 0.5 };
    expect((await load(STATE, referenceBackend, half)).config.lambda).toBe(0.5);
    await expect(load(STATE, wasmBackend, half)).rejects.toMatchObject({
      ...{ name: 'WeightsError', op: STATE, expected: 'lambda = 1', got: 'lambda = 0.5' },
      hint: 'Train until lambda is 1, or add --backend reference, which runs the train form.',
    });
  });

  test('leaves URLs and unknown schemes to loadModel', async () => {
    await expect(load('http://127.0.0.1:9/net.pth')).rejects.toMatchObject({ expected: 'a response' });
    await expect(load('s3://bucket/net.pth')).rejects.toMatchObject({
      hint: expect.stringContaining('s3') as unknown,
    });
    const model = await load(pathToFileURL(OFFICIAL).href, referenceBackend);
    expect(model.config.dims).toEqual([4, 8, 8]);
  });

  test('leaves its own files to loadModel, which checks the configuration', async () => {
    await expect(load(path('own.safetensors'), wasmBackend, { dims: [4, 6, 9] })).rejects.toMatchObject({
      got: expect.stringContaining("in the file's own description") as unknown,
    });
    const model = await loadNetwork(path('own.safetensors'), { backend: wasmBackend });
    expect(model.config).toEqual(drawnConfig('deploy'));
    model.dispose();
  });

  test('names --config for weights without a configuration only', async () => {
    const lost = await load(path('lost.json')).catch((error: unknown) => error as { hint?: string });
    expect(lost).toMatchObject({ name: 'WeightsError', hint: expect.not.stringContaining('--config') as unknown });
    await expect(load(path('whole.json'), wasmBackend, { dims: 4 })).rejects.toMatchObject({ op: 'config.strides' });
  });
});

describe('networkSource', () => {
  test('reads, fuses and says everything once for any number of backends', async () => {
    const x = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => ((i * i) % 1009) / 504 - 1);
    const logits: number[][] = [];
    const text = await writtenTo('stderr', async () => {
      const source = await networkSource(OFFICIAL, { config });
      for (let i = 0; i < 2; i++) {
        const model = await source.open(wasmBackend);
        logits.push([...(await model.forward(x))]);
        model.dispose();
      }
    });
    expect(text.match(/took model_ema/g)).toHaveLength(1);
    expect(text.match(/fused in memory/g)).toHaveLength(1);
    expect(logits[0]).toEqual(logits[1]);
  });

  test('takes the weights that are named', async () => {
    const first = async (options: object): Promise<number | undefined> => {
      const model = await quiet(() => loadNetwork(OFFICIAL, { backend: referenceBackend, config, ...options }));
      return (await model.forward(new Float32Array(3 * 32 * 32).fill(0.5)))[0];
    };
    const average = await first({});
    expect(await first({ key: 'model_ema' })).toBe(average);
    const own = await first({ key: 'model' });
    expect(own).not.toBe(average);
    expect(await first({ ema: false })).toBe(own);
  });

  test('refuses a key for weights of this package', async () => {
    await expect(networkSource(path('own.safetensors'), { key: 'model' })).rejects.toMatchObject({
      ...{ name: 'ParamError', op: path('own.safetensors'), got: '--key model' },
      expected: 'a file with several weights, for --key',
      hint: 'Omit --key: the file has the weights of one network.',
    });
  });
});

describe('readNetworkWeights', () => {
  test('takes keys of --config and --lambda, which override the file', async () => {
    const read = (options: { config?: string; lambda?: number }) => quiet(() => readNetworkWeights(OFFICIAL, options));
    const weights = await read({});
    expect(weights.config).toMatchObject({
      lambda: 1,
      input_size: [32, 32],
      strides: [2, 1],
    } satisfies Partial<ModelConfig>);
    expect(weights).toMatchObject({ files: [OFFICIAL], size: expect.any(Number) as unknown });
    expect(weights.size).toBeGreaterThan(40_000);
    const half = (lambda?: number) =>
      quiet(() =>
        readNetworkWeights(STATE, { config: path('half.json'), ...(lambda === undefined ? {} : { lambda }) }),
      );
    expect((await half()).config.lambda).toBe(0.5);
    expect((await half(0.25)).config.lambda).toBe(0.25);
    await expect(read({ lambda: 0.5 })).rejects.toMatchObject({ op: OFFICIAL, expected: 'lambda 1, as in the file' });
    // Without strides, they are guessed, and that is said.
    expect(await writtenTo('stderr', () => readNetworkWeights(STATE, { lambda: 1 }))).toContain('guessed strides');
    expect((await quiet(() => readNetworkWeights(STATE, {}))).config.lambda).toBeNull();
  });
});

test('flags that are absent state nothing', async () => {
  expect(await recognitionOptions({ ema: true })).toEqual({ config: {}, ema: true });
  const flags = { ema: false, variant: 'vanillanet_5', lambda: 1, config: path('half.json') } as const;
  expect(await recognitionOptions(flags)).toEqual({
    ...{ config: { ...config, lambda: 1, variant: 'vanillanet_5' }, ema: false },
  });
  expect(await recognitionOptions({ ema: true, key: 'a.b' })).toEqual({ config: {}, ema: true, key: 'a.b' });
});

test('a report names the writer, weights without a key, and no epoch if there is none', async () => {
  const weights = await importWeights(STATE);
  await weights.close();
  const report = (more: Partial<Recognition>): Promise<string> =>
    writtenTo('stdout', () => {
      printRecognition('net.pth', { ...weights, ...more });
    });
  const plain = await report({});
  expect(plain).toMatch(/^file +net\.pth: PyTorch checkpoint \(legacy format\)\n/);
  expect(plain).not.toContain('epoch');
  expect(plain).toContain('network     dims [4,8,8], the train form, 3 classes, act_num 1, lambda unknown\n');
  expect(plain).toContain('tensors     69 tensors (float32, int64)\n');
  expect(await report({ matched: 1 })).toContain('tensors     1 tensor (');
  expect(await report({ writer: 'PyTorch 2' })).toContain('PyTorch checkpoint (legacy format), written by PyTorch 2\n');
  expect(await report({ epoch: 0 })).toContain('epoch       0, counted from 0\n');
  expect(await report({ source: 'ema', otherSources: ['', 'model'] })).toContain(
    'weights     ema; not taken: those without a key, model\n',
  );
});

test('a train form without λ is refused where λ is needed, with the flag', () => {
  expect(requireLambda('net.pth', 0.5)).toBe(0.5);
  expect(() => requireLambda('net.pth', null)).toThrow(
    expect.objectContaining({ op: 'net.pth', got: 'neither', hint: expect.stringContaining('--lambda 1') }),
  );
});

test.each([
  ['float64', undefined, 'F64'],
  ['int32', undefined, 'F64'],
  ['int64', undefined, 'F64'],
  ['float32', undefined, 'F32'],
  ['bfloat16', undefined, 'F32'],
  ['float16', undefined, 'F16'],
  ['float16', 'float64', 'F64'],
  ['float64', 'float16', 'F16'],
] as const)('%s is written as --dtype %s: %s', (dtype, forced, expected) => {
  const tensor = { shape: [1], dtype, read: () => Promise.resolve(new Float32Array(1)) };
  expect(dtypeFor('stem.0.weight', tensor, forced)).toBe(expected);
  expect(dtypeFor('stem1.1.num_batches_tracked', tensor, forced)).toBe('I64');
  expect(dtypeFor('stem1.1.running_var', tensor, forced)).toBe(
    expected === 'F16' && forced !== undefined ? 'F32' : expected,
  );
});
