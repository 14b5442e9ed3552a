/** What `fuse` prints and writes, in process and for a network of a few weights. */
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { fuseCommand } from '../../src/cli/fuse.js';
import { threeDigits } from '../../src/cli/print.js';
import { ParamError } from '../../src/core/errors.js';
import type { Tensor } from '../../src/core/tensor.js';
import { decodeSafetensors } from '../../src/io/safetensors.js';
import { readWeights, writeWeights } from '../../src/io/weightsFile.js';
import { fuseState } from '../../src/oracle/fuse.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { plain } from './screen.js';

const path = temporaryFolder();
const trained = drawnConfig('train', { input_size: [8, 8], num_classes: 3 });

beforeAll(async () => {
  await writeWeights(path('trained.safetensors'), drawnState(trained), trained);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** Runs the command. @param input the weights, by default those of `trained` */
async function run(args: readonly string[] = [], input = path('trained.safetensors')): Promise<string[]> {
  let text = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  await fuseCommand().parseAsync([input, path('out.safetensors'), ...args], { from: 'user' });
  jest.restoreAllMocks();
  return text.split('\n');
}

const NUMBER = String.raw`\d[\d.e+-]*`;

test('prints how far the fused network is from the other, with bound and largest scale', async () => {
  const [files, difference, bound, scale, ...rest] = await run();
  expect(files).toBe(`fused            ${path('trained.safetensors')} -> ${path('out.safetensors')} (float32)`);
  expect(difference).toMatch(
    new RegExp(String.raw`^fused - unfused {2}${NUMBER} \(logits up to ${NUMBER}\), both in float64$`),
  );
  expect(bound).toMatch(
    new RegExp(`^float32 bound {4}${NUMBER} worst case, ${NUMBER} to first order, over [1-9]\\d* logits an image$`),
  );
  expect(scale).toMatch(
    new RegExp(String.raw`^largest scale {4}${NUMBER} = \|gamma\|/sqrt\(var \+ eps\), channel \d+ of \w+\.\d\S*$`),
  );
  expect(rest).toEqual(['']);
});

test('--verify adds the difference in WebAssembly', async () => {
  const lines = await run(['--verify']);
  expect(lines).toHaveLength(6);
  expect(lines[4]).toMatch(
    new RegExp(
      `^verified {9}${NUMBER} measured between WebAssembly in float32 and the unfused reference, within the bound$`,
    ),
  );
});

/** Two channels before the classifier cancel: the float32 bound is larger than the logits. */
function canceled(name: string, { data, ...tensor }: Tensor): Tensor {
  const channel = data.length / tensor.shape[0];
  const change = (by: (v: number, i: number) => number): Tensor => ({ ...tensor, data: data.map(by) });
  if (/^stages\.1\.(conv2|act)\..*(weight|bias|mean|var)$/.test(name))
    return change((_, i) => data[Math.floor(i / channel) === 1 ? i - channel : i]);
  if (name === 'cls1.2.weight') return change((_, i) => [1, -1][i % channel] ?? 0);
  return /^cls.*(bias|mean)$/.test(name) ? change(() => 0) : { ...tensor, data };
}

const canceledState = new Map([...drawnState(trained)].map(([name, of]) => [name, canceled(name, of)]));

describe('where the bound is larger than the logits', () => {
  const file = (): string => path('canceled.safetensors');
  beforeAll(async () => {
    await writeWeights(file(), canceledState, trained);
  });
  const LINE = `not bounded: ${NUMBER} worst case exceeds the logits; ${NUMBER} estimated to first order, over 3 logits an image`;

  test('the error is measured, and called so', async () => {
    const lines = await run([], file());
    expect(lines[2]).toMatch(new RegExp(`^float32 error {4}${NUMBER} measured in WebAssembly; ${LINE}$`));
    expect(lines).toHaveLength(5);
  });

  test('--verify compares it with the estimate', async () => {
    const lines = await run(['--verify'], file());
    expect(lines[4]).toMatch(new RegExp(`^verified {9}${NUMBER} measured between .* within the first-order estimate$`));
  });

  test('--json has the measurement', async () => {
    const report = JSON.parse((await run(['--json'], file())).join('\n')) as Record<string, number>;
    // The logits cancel in float32, too.
    expect(report['float32Measured']).toBe(0);
    expect(report['float32FirstOrder']).toBeGreaterThan(0);
    expect(report).not.toHaveProperty('verified');
  });

  test('it is unknown if the network does not run here; --verify refuses that', async () => {
    jest.spyOn(wasmBackend, 'open').mockRejectedValue(new ParamError({ op: 'x', expected: 'y', got: 'z' }));
    const fused = fuseCommand().parseAsync(['--verify', file(), path('none.safetensors')], { from: 'user' });
    await expect(fused).rejects.toThrow('x: expected y, got z');
    expect((await run([], file()))[2]).toMatch(new RegExp(`^float32 error {4}unknown; ${LINE}$`));
  });
});

describe('progress', () => {
  /** What the command writes to standard error, a terminal or not. */
  async function progress(isTTY: boolean): Promise<string> {
    let text = '';
    const original = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY');
    Object.defineProperty(process.stderr, 'isTTY', { value: isTTY, configurable: true });
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
      text += String(chunk);
      return true;
    });
    try {
      await fuseCommand().parseAsync([path('trained.safetensors'), path('out.safetensors')], { from: 'user' });
      return text;
    } finally {
      if (original === undefined) Reflect.deleteProperty(process.stderr, 'isTTY');
      else Object.defineProperty(process.stderr, 'isTTY', original);
    }
  }

  test('is a bar with the share on a terminal, which is removed', async () => {
    const text = plain(await progress(true));
    expect(text).toMatch(/fusing █*░+ +\d+% {2}\S+ left/);
    expect(text).not.toMatch(/\d\/\d/);
  });

  test('is not shown in a pipe', async () => {
    expect(await progress(false)).toBe('');
  });
});

test('--json prints the report, and the verification only with --verify', async () => {
  const plain = JSON.parse((await run(['--json'])).join('\n')) as Record<string, unknown>;
  const { report } = fuseState(drawnState(trained), trained);
  expect(plain['output']).toBe(path('out.safetensors'));
  expect(Object.keys(plain).sort()).toEqual(['output', ...Object.keys(report)].sort());
  const verified = JSON.parse((await run(['--json', '--verify'])).join('\n')) as Record<string, unknown>;
  expect(verified['verified']).toMatchObject({ holds: true });
});

test('writes the fused network in the type of --dtype', async () => {
  await run();
  const { config } = await readWeights(path('out.safetensors'));
  expect(config).toEqual({ ...trained, form: 'deploy' });
  const whole = (await readFile(path('out.safetensors'))).length;
  await run(['-d', 'float16']);
  const bytes = await readFile(path('out.safetensors'));
  expect(bytes.length).toBeLessThan(whole);
  expect(decodeSafetensors(bytes).tensors.has('stem.0.weight')).toBe(true);
});

test('measures on images of --probe-size', async () => {
  const report = async (...args: string[]) => JSON.parse((await run(['--json', ...args])).join('\n')) as object;
  const small = await report();
  expect(await report('-s', '8')).toEqual(small);
  expect(await report('-s', '12')).not.toEqual(small);
});

describe('--verify refuses a network that computes something else', () => {
  test.each([
    ['bound', 3.97e-6, drawnState(trained)],
    ['first order', 3.96e-6, canceledState],
  ] as const)('by more than the %s', async (tolerance, limit, state) => {
    // Bound and first order differ in their fifth digit. The weights are scaled so that one is rounded up.
    const { float32Bound, float32FirstOrder } = fuseState(state, trained).report;
    const factor = 3.965e-6 / Math.sqrt(float32Bound * float32FirstOrder);
    const scaled = ([name, tensor]: [string, Tensor]): [string, Tensor] =>
      name.startsWith('cls2.') ? [name, { ...tensor, data: tensor.data.map((v) => v * factor) }] : [name, tensor];
    await writeWeights(path('scaled.safetensors'), new Map([...state].map(scaled)), trained);
    const open = wasmBackend.open.bind(wasmBackend);
    jest.spyOn(wasmBackend, 'open').mockImplementation(async (...args) => {
      const session = await open(...args);
      const forward = session.forward.bind(session);
      jest
        .spyOn(session, 'forward')
        .mockImplementation(async (x, n) => Float32Array.from(await forward(x, n), (v) => v + 1));
      return session;
    });
    const args = ['--verify', path('scaled.safetensors'), path('none.safetensors')];
    await expect(fuseCommand().parseAsync(args, { from: 'user' })).rejects.toMatchObject({
      ...{ name: 'FusionError', op: 'fuse --verify' },
      expected: `differences within the ${tolerance}, ${threeDigits(limit)}`,
      got: expect.stringMatching(new RegExp(`^${NUMBER} in float64, 1\\.00 in float32$`)),
    });
    await expect(readFile(path('none.safetensors'))).rejects.toThrow('ENOENT');
  });
});

describe('refuses', () => {
  test('an output that is the input', async () => {
    const file = path('trained.safetensors');
    const args = fuseCommand().parseAsync([file, file], { from: 'user' });
    await expect(args).rejects.toThrow(refusal(ParamError, file, 'an output that is not an input', file));
  });

  test('another lambda than that of the weights, and weights without any', async () => {
    await expect(run(['-l', '0.5'])).rejects.toMatchObject({
      ...{ op: '--lambda', expected: `1, as in ${path('trained.safetensors')}`, got: '0.5' },
      hint: 'Omit --lambda: the weights have it.',
    });
    expect((await run(['-l', '1']))[0]).toContain('fused');
  });

  test('a configuration that contradicts the weights', async () => {
    await writeFile(path('config.json'), JSON.stringify({ dims: [1, 2] }));
    await expect(run(['-c', path('config.json')])).rejects.toThrow(ParamError);
  });
});
