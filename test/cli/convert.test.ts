/** `inspect` and `convert`, and commands that take weights of other frameworks as they are. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { importWeights } from '../../src/formats/importWeights.js';
import { resolveConfig } from '../../src/core/config.js';
import { cutShards } from '../../src/io/cutShards.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { readWeights, writeWeights } from '../../src/io/weightsFile.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { answered, hosted, printed } from './commandLine.js';

const path = temporaryFolder();
const run = hosted();
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../formats/fixtures/network/${name}`, import.meta.url));

const FILES = ['official.pth', 'state.pth', 'average.pdparams'];
const IMAGE = fileURLToPath(new URL('../../examples/chelsea.png', import.meta.url));
const SMALL = { input_size: 32, strides: [2, 1] };

beforeAll(async () => {
  for (const file of FILES) await copyFile(fixture(file), path(file));
  await writeFile(path('small.json'), JSON.stringify(SMALL));
  await writeFile(path('text.pth'), 'no weights');
});

describe('inspect', () => {
  test('says what a checkpoint is, and which weights are taken', async () => {
    expect(await printed(['inspect', 'official.pth'], path(), run)).toBe(
      `file        official.pth: PyTorch checkpoint (zip)
weights     model_ema, the exponential moving average (--no-ema takes the weights themselves); not taken: model
network     dims [4,8,8], the train form, 3 classes, act_num 1, lambda 1
epoch       299, counted from 0
tensors     69 tensors (float32, int64)
guessed     strides [2, 1]: a stage pools by 2 where channels double, as in all published variants.
note        The file names vanillanet_5, which has another number of stages.
`,
    );
    expect(
      await printed(['inspect', 'official.pth', '--key', 'model', '-c', 'small.json', '-l', '1'], path(), run),
    ).toBe(
      `file        official.pth: PyTorch checkpoint (zip)
weights     model; not taken: model_ema
network     dims [4,8,8], the train form, 3 classes, act_num 1, lambda 1
epoch       299, counted from 0
tensors     69 tensors (float32, int64)
note        The file names vanillanet_5; taken instead, as stated: dims and strides.
`,
    );
  });

  test('says which names were changed, and what the file does not state', async () => {
    const prefixed = await printed(['inspect', 'state.pth'], path(), run);
    expect(prefixed).toContain('weights     the only ones in the file\n');
    expect(prefixed).toContain('lambda unknown\n');
    expect(prefixed).toContain('prefix      "module." removed\n');
    expect(prefixed).toContain('note        The file does not state lambda.');
    expect(await printed(['inspect', 'average.pdparams'], path(), run)).toContain(
      'renamed     20 names, such as stem1.1._mean to stem1.1.running_mean\n',
    );
  });

  test('lists tensors that are missing and others', async () => {
    const config = resolveConfig({ dims: [4, 8], strides: [2], num_classes: 1, in_chans: 1, form: 'deploy' });
    const state = new Map(drawnState(config));
    state.delete('cls.2.bias');
    state.set('head.bias', { data: new Float32Array(2), shape: [2] });
    await writeFile(path('other.safetensors'), encodeSafetensors(state));
    const text = await printed(['inspect', 'other.safetensors'], path(), run);
    expect(text).toContain('file        other.safetensors: safetensors\n');
    expect(text).toContain('network     dims [4,8], the deploy form, 1 class, 1 channel, act_num 3, lambda 1\n');
    expect(text).toContain('missing     cls.2.bias\n');
    expect(text).toContain('unexpected  head.bias (left out)\n');
    const { status, stderr } = await run(['convert', 'other.safetensors', 'x.safetensors'], path());
    expect([status, stderr]).toEqual([1, expect.stringContaining('got none of these: cls.2.bias')]);
  });

  test('says which values convert refuses', async () => {
    const { NaN: nan } = Number;
    const state = new Map(drawnState(drawnConfig('deploy')));
    const damaged = [...state].slice(1, 3);
    for (const [name, { data, shape }] of damaged) {
      state.set(name, { data: data.map((value, i) => (i === 1 ? nan : value)), shape });
    }
    await writeFile(path('nan.safetensors'), encodeSafetensors(state));
    const args = ['nan.safetensors', '-c', 'strides.json'];
    await writeFile(path('strides.json'), JSON.stringify({ strides: [2, 1] }));
    const text = await printed(['inspect', ...args], path(), run);
    const [[name]] = damaged;
    expect(text).toContain(
      `invalid     nan.safetensors: ${name}: expected finite weights, got NaN at element 1, and 1 more tensor; convert refuses them\n`,
    );
    expect(await answered(['inspect', ...args], path(), run)).toMatchObject({
      invalid: damaged.map(([each]) => expect.stringContaining(`${each}: expected finite weights`) as unknown),
    });
    expect(await printed(['inspect', 'state.pth'], path(), run)).not.toContain('invalid');
    const { status, stderr } = await run(['convert', args[0], 'x.safetensors', ...args.slice(1)], path());
    expect([status, stderr]).toEqual([1, expect.stringContaining('got NaN at element 1')]);
  });

  test('names a variant', async () => {
    const file = fileURLToPath(new URL('../../models/vanillanet-cifar10.safetensors', import.meta.url));
    expect(await printed(['inspect', file], path(), run)).toContain('10 classes');
    expect(await printed(['inspect', 'state.pth', '-c', 'small.json'], path(), run)).not.toContain('guessed');
  });

  test('refuses the state of an optimizer, and names the file of the weights', async () => {
    const state = fileURLToPath(new URL('../formats/fixtures/paddle/refused.pdopt', import.meta.url));
    await copyFile(state, path('best_optimizer.pdopt'));
    const { status, stderr } = await run(['inspect', 'best_optimizer.pdopt', '--json'], path());
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^WeightsError: best_optimizer\.pdopt: expected weights, got the state of an optimizer \(PaddlePaddle; \d+ tensors; the key "[^"]+"\)\nhint: .*best_model\.pdparams/,
      ),
    ]);
  });

  test('as JSON', async () => {
    expect(await answered(['inspect', 'average.pdparams'], path(), run)).toMatchObject({
      ...{ file: 'average.pdparams', format: 'PaddlePaddle parameters (.pdparams)', source: '', isEma: false },
      ...{ matched: 59, missing: [], unexpected: [], prefix: '', epoch: null },
      config: { dims: [4, 8, 8], strides: [2, 1], form: 'train', lambda: null },
      invalid: [],
      renamed: { 'stem1.1._mean': 'stem1.1.running_mean' },
      dtypes: { float32: expect.any(Number) as unknown },
      tensors: expect.arrayContaining([{ name: 'stem1.0.weight', shape: [4, 3, 4, 4], dtype: 'float32' }]) as unknown,
    });
  });
});

describe('convert', () => {
  const OUTPUTS = ['out.safetensors', 'out.pth', 'out.pt', 'out.pdparams'];

  test.each(FILES.flatMap((file) => OUTPUTS.map((output) => [file, output])))(
    'keeps every bit of %s in %s',
    async (file, output) => {
      const text = await printed(['convert', file, output, '-c', 'small.json'], path(), run);
      expect(text).toContain(`converted   ${file} -> ${output}\n`);
      const weights = await importWeights(path(file), { config: SMALL });
      const expected = await weights.readState();
      await weights.close();
      const converted = await importWeights(path(output), { config: SMALL });
      const state = await converted.readState();
      await converted.close();
      const isCounter = (name: string): boolean => name.endsWith('num_batches_tracked');
      const names = [...expected.keys()].filter((name) => !output.endsWith('.pdparams') || !isCounter(name));
      expect([...state.keys()].filter((name) => expected.has(name))).toEqual(names);
      // PyTorch requires counters, which PaddlePaddle does not have.
      const counters = file.endsWith('.pdparams') && /\.pth?$/.test(output) ? 10 : 0;
      expect(state.size).toBe(names.length + counters);
      for (const name of names) {
        const [tensor, other] = [expected.get(name), state.get(name)];
        expect([name, other?.shape]).toEqual([name, tensor?.shape]);
        expect(Array.from(other?.data ?? [])).toEqual(Array.from(tensor?.data ?? []));
      }
    },
  );

  test('safetensors have the configuration', async () => {
    const text = await printed(['convert', 'official.pth', 'out.safetensors'], path(), run);
    expect(text).not.toContain('config      ');
    const weights = await importWeights(path('official.pth'));
    await weights.close();
    expect((await readWeights(path('out.safetensors'))).config).toEqual(weights.config);
  });

  test('says how to read a file again that has no configuration', async () => {
    const last = async (...args: string[]): Promise<string> =>
      (await printed(['convert', ...args], path(), run)).trimEnd().replace(/^[^]*\n/, '');
    expect(await last('state.pth', 'out.pth')).toBe(
      'config      not in out.pth; it is found again by the shapes of the tensors',
    );
    expect(await last('state.pth', 'out.pdparams', '-l', '0.5')).toBe(
      'config      not in out.pdparams; to read it, pass --config with {"lambda":0.5}',
    );
    await writeFile(path('names.json'), JSON.stringify({ class_names: ['a', 'b', 'c'] }));
    expect(await last('state.pth', 'out.pth', '-c', 'names.json')).toBe(
      'config      not in out.pth; to read it, pass --config with class_names',
    );
    expect(await last('state.pth', 'out.pth', '-c', 'names.json', '-l', '1')).toBe(
      'config      not in out.pth; to read it, pass --config with {"lambda":1} and class_names',
    );
  });

  test('the keys that it names restore the configuration', async () => {
    const converted = (await answered(['convert', 'official.pth', 'out.pth'], path(), run)) as {
      config: unknown;
      unstated: unknown;
    };
    expect(converted.unstated).toMatchObject({ lambda: 1, input_size: [32, 32], drop_rate: 0.05 });
    await writeFile(path('unstated.json'), JSON.stringify(converted.unstated));
    expect(await answered(['inspect', 'out.pth', '-c', 'unstated.json'], path(), run)).toMatchObject({
      config: converted.config,
    });
  });

  test('writes the type of the file, or another', async () => {
    const config = drawnConfig('deploy');
    const typesIn = async (output: string, file: string, more: readonly string[]): Promise<string[]> => {
      await printed(['convert', file, output, ...more], path(), run);
      const found = await importWeights(path(output));
      await found.close();
      return [...found.dtypes.keys()];
    };
    const types = async (file: string, ...more: string[]): Promise<string[]> => {
      const inSafetensors = await typesIn('typed.safetensors', file, more);
      const floats = inSafetensors.filter((type) => type !== 'int64');
      expect((await typesIn('typed.pth', file, more)).filter((type) => type !== 'int64')).toEqual(floats);
      expect(await typesIn('typed.pdparams', file, more)).toEqual(floats);
      return inSafetensors;
    };
    for (const dtype of ['float16', 'float32', 'float64'] as const) {
      await writeWeights(path(`${dtype}.safetensors`), drawnState(config), config, { dtype });
      expect(await types(`${dtype}.safetensors`)).toEqual([dtype]);
    }
    expect(await types('float64.safetensors', '--dtype', 'f16')).toEqual(['float16']);
    expect(await types('average.pdparams', '-d', 'float16')).toEqual(['float16', 'float32']);
    expect(await types('official.pth', '-d', 'float64')).toEqual(['float64', 'int64']);
  });

  test('verifies what it has written', async () => {
    const verified = async (...args: string[]): Promise<string> =>
      (await printed(['convert', ...args, '--verify'], path(), run)).replace(/^[^]*\n(?=verified)/, '');
    for (const output of OUTPUTS) {
      expect(await verified('official.pth', output)).toBe(
        `verified    every value is equal; logits up to 0.693 on 2 random images of 32x32
            differ by 0 in float64: at most 0, as no value changed
`,
      );
    }
    expect(await verified('official.pth', 'out.pth', '-d', 'float16')).toMatch(
      /^verified {4}\d+ values changed;.*\n {12}differ by 8\.07e-5 in float64: at most 3\.87e-4\n$/,
    );
    expect(await verified('state.pth', 'out.pth', '-d', 'float16', '-l', '0.5')).toMatch(
      /differ by \S+ in float64: without a bound\n$/,
    );
  });

  test('verifies the deploy form in WebAssembly, too', async () => {
    const config = drawnConfig('deploy', { dims: [4, 8, 8] });
    await writeWeights(path('deploy.safetensors'), drawnState(config), config, { dtype: 'float32' });
    expect(await answered(['convert', 'deploy.safetensors', 'out.pdparams', '--verify'], path(), run)).toMatchObject({
      verified: {
        ...{ changed: 0, images: [2, 3, 16, 20] },
        runs: [
          { engine: 'float64', maxDifference: 0, tolerance: 'equal', bound: 0, holds: true },
          { engine: 'WebAssembly, float32', tolerance: 'bound', holds: true },
        ],
      },
    });
  });

  test('writes and reads graphs of ONNX, every bit kept', async () => {
    const there = await printed(['convert', 'official.pth', 'net.onnx', '-c', 'small.json'], path(), run);
    expect(there).toContain('converted   official.pth -> net.onnx\n');
    expect(there).not.toContain('config');
    const back = await printed(['convert', 'net.onnx', 'back.safetensors'], path(), run);
    expect(back).toContain('file        net.onnx: ONNX graph, opset 17, written by vanillanet\n');
    expect(back).toContain('network     dims [4,8,8], the train form, 3 classes, act_num 1, lambda 1\n');
    await printed(['convert', 'official.pth', 'direct.safetensors', '-c', 'small.json'], path(), run);
    const [indirect, direct] = await Promise.all(
      ['back.safetensors', 'direct.safetensors'].map((name) => readFile(path(name))),
    );
    expect(indirect.equals(direct)).toBe(true);
    await printed(['convert', 'net.onnx', 'half.onnx', '-d', 'f16'], path(), run);
    expect(await answered(['inspect', 'half.onnx'], path(), run)).toMatchObject({
      dtypes: { float16: expect.any(Number) as unknown, float32: expect.any(Number) as unknown },
    });
  });

  test('verifies graphs of ONNX in both forms, adaptive pools included', async () => {
    const deploy = drawnConfig('deploy', { dims: [4, 8, 8] });
    await writeWeights(path('deploy.safetensors'), drawnState(deploy), deploy, { dtype: 'float32' });
    const adaptive = drawnConfig('train', { ada_pool: [5, 0], lambda: 1 });
    await writeWeights(path('adaptive.safetensors'), drawnState(adaptive), adaptive, { dtype: 'float32' });
    // A stage of stride 1 has no pool, whatever its ada_pool.
    const unused = drawnConfig('train', { ada_pool: [5, 5], lambda: 1 });
    await writeWeights(path('unused.safetensors'), drawnState(unused), unused, { dtype: 'float32' });
    const half = drawnConfig('train', { lambda: 0.5 });
    await writeWeights(path('half.safetensors'), drawnState(half), half, { dtype: 'float32' });
    const verified = async (...args: string[]): Promise<unknown> =>
      ((await answered(['convert', ...args, '--verify'], path(), run)) as { verified: unknown }).verified;
    const equal = { engine: 'float64', maxDifference: 0, tolerance: 'equal', bound: 0, holds: true };
    for (const input of ['official.pth', 'adaptive.safetensors', 'unused.safetensors', 'half.safetensors']) {
      expect(await verified(input, 'verified.onnx')).toMatchObject({ changed: 0, runs: [equal] });
    }
    expect(await verified('deploy.safetensors', 'verified.onnx')).toMatchObject({
      changed: 0,
      runs: [equal, { engine: 'WebAssembly, float32', tolerance: 'bound', holds: true }],
    });
    for (const [input, changed] of [
      ['official.pth', [{ engine: 'float64', tolerance: 'bound', holds: true }]],
      ['half.safetensors', [{ engine: 'float64', tolerance: 'none', holds: true }]],
      [
        'deploy.safetensors',
        [
          { engine: 'float64', holds: true },
          { engine: 'WebAssembly, float32', holds: true },
        ],
      ],
    ] as const) {
      const result = await verified(input, 'verified.onnx', '-d', 'f16');
      expect(result).toMatchObject({ changed: expect.any(Number) as unknown, runs: changed });
      expect((result as { changed: number }).changed).toBeGreaterThan(0);
    }
  });

  test('asks for the lambda of a graph, which a state_dict does not have', async () => {
    const { status, stderr } = await run(['convert', 'state.pth', 'no.onnx'], path());
    expect([status, stderr]).toEqual([1, expect.stringContaining('--lambda 1')]);
    expect(await readdir(path())).not.toContain('no.onnx');
    const contradicted = await run(['convert', 'net.onnx', 'no.onnx', '-l', '0.5'], path());
    expect(contradicted.stderr).toContain('net.onnx: expected lambda 1, as in the graph, got lambda 0.5');
  });

  test('reports as JSON', async () => {
    expect(await answered(['convert', 'state.pth', 'out.safetensors', '-l', '1'], path(), run)).toMatchObject({
      ...{ output: 'out.safetensors', file: 'state.pth', config: { lambda: 1 }, unstated: {} },
    });
    const { metadata } = decodeSafetensors(await readFile(path('out.safetensors')));
    expect(JSON.parse(metadata.get('vanillanet') ?? '')).toMatchObject({ lambda: 1, dims: [4, 8, 8] });
  });

  test.each([
    [
      ['official.pth', 'out.h5'],
      'out.h5: expected a name that ends in .safetensors, .pth, .pt, .pdparams or .onnx, got .h5',
    ],
    [['official.pth', 'official.pth'], 'official.pth: expected an output that is not an input, got official.pth'],
    [['official.pth', 'none/x.pth'], 'none/x.pth: expected a folder none'],
    [['other.safetensors', 'new.pth'], 'got none of these: cls.2.bias'],
    [['other.safetensors', 'new.pdparams'], 'got none of these: cls.2.bias'],
    [['official.pth', 'none/x.safetensors'], 'none/x.safetensors: expected a folder none'],
    [['none.pth', 'new.safetensors'], 'none.pth: expected a readable file'],
    [
      ['text.pth', 'new.safetensors'],
      'text.pth: expected weights of PyTorch, PaddlePaddle, Keras or ONNX, or safetensors, got text',
    ],
    [
      ['official.pth', 'new.safetensors', '--strict'],
      'official.pth: expected a file that states its network, got a guess',
    ],
    [
      ['official.pth', 'new.safetensors', '--variant', 'vanillanet_5'],
      'official.pth: expected all tensors of the network',
    ],
    [['official.pth', 'new.safetensors', '-d', 'int8'], "option '-d, --dtype <type>'"],
  ])('refuses %j, and writes nothing', async (args, message) => {
    const before = await readdir(path());
    const { status, stderr } = await run(['convert', ...args], path());
    expect(stderr).toContain(message);
    expect(status).toBeGreaterThan(0);
    expect(await readdir(path())).toEqual(before);
  });

  test('an index of shards is no file to convert', async () => {
    const { index } = cutShards(new Uint8Array(9), { name: 'net' });
    await writeFile(path('index.json'), JSON.stringify(index));
    const { stderr } = await run(['inspect', 'index.json'], path());
    expect(stderr).toContain('got JSON: an index of shards');
  });
});

describe('commands', () => {
  const stderrOf = async (...args: string[]): Promise<string> => {
    const { status, stderr } = await run(args, path());
    expect([args, status, stderr]).toEqual([args, 0, stderr]);
    return stderr;
  };

  test('take a file as it is, and fuse it in memory', async () => {
    const fused = await run(['classify', '-w', 'official.pth', '-c', 'small.json', IMAGE, '--json'], path());
    expect(fused.stderr).toBe(
      `official.pth: took model_ema, the exponential moving average
official.pth: fused in memory; keep the result by vanillanet fuse official.pth OUT
`,
    );
    const exact = await run(
      ['classify', '-w', 'official.pth', '-c', 'small.json', '-b', 'reference', IMAGE, '--json'],
      path(),
    );
    const [probabilities, expected] = [fused, exact].map(({ stdout }) =>
      (JSON.parse(stdout) as { predictions: { probability: number }[] }[])[0].predictions.map(
        (each) => each.probability,
      ),
    );
    expect(probabilities).toHaveLength(3);
    probabilities.forEach((each, i) => {
      expect(each).toBeCloseTo(expected[i], 6);
    });
  });

  test('say what they guess, and assume λ of 1 for an evaluation only', async () => {
    const stderr = await stderrOf('classify', '-w', 'state.pth', IMAGE);
    expect(stderr).toContain('state.pth: guessed strides [2, 1]');
    expect(stderr).toContain('keep the result by vanillanet fuse state.pth OUT --lambda 1\n');
    const { status, stderr: refused } = await run(['fuse', 'state.pth', 'fused.safetensors'], path());
    expect([status, refused]).toEqual([1, expect.stringContaining('expected weights with lambda, or --lambda')]);
    await stderrOf('fuse', 'state.pth', 'fused.safetensors', '-l', '1', '-s', '32');
    expect((await readWeights(path('fused.safetensors'))).config).toMatchObject({ form: 'deploy', lambda: 1 });
  });

  test('refuse a network whose λ has not reached 1, except the reference', async () => {
    await writeFile(path('half.json'), JSON.stringify({ ...SMALL, lambda: 0.5 }));
    const args = ['classify', '-w', 'state.pth', '-c', 'half.json', IMAGE];
    const { status, stderr } = await run(args, path());
    expect([status, stderr]).toEqual([1, expect.stringContaining('expected lambda = 1, got lambda = 0.5')]);
    await stderrOf(...args, '-b', 'reference');
  });

  test('ask for λ where the train form runs', async () => {
    const x = { data: new Float32Array(3 * 32 * 32), shape: [1, 3, 32, 32] };
    await writeFile(path('x.safetensors'), encodeSafetensors(new Map([['x', x]])));
    const runIt = ['run', '-w', 'state.pth', '-i', 'x.safetensors', '-o', 'logits.safetensors', '-b', 'reference'];
    for (const args of [runIt, ['diff', '-w', 'state.pth', '-i', 'x.safetensors']]) {
      const { status, stderr } = await run(args, path());
      expect([args, status, stderr]).toEqual([args, 1, expect.stringContaining('hint: Pass the lambda')]);
    }
    await stderrOf(...runIt, '-l', '1');
  });

  test('take a file: URL', async () => {
    await stderrOf('summary', '-w', new URL(`file://${path('official.pth')}`).href);
  });
});
