import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdir, open, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { parameterShapes } from '../../src/core/parameters.js';
import { sizeOf, type StateDict, type Tensor } from '../../src/core/tensor.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { cutShards } from '../../src/io/cutShards.js';
import { openFile } from '../../src/io/openFile.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { readWeights, writeWeights } from '../../src/io/weightsFile.js';
import { linuxTest } from '../platform.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();

const small = { dims: [4, 6, 8], strides: [2, 2], num_classes: 3, act_num: 1, input_size: 16 };
const config = resolveConfig({ ...small, lambda: 0.5, class_names: ['a', 'b', 'c'] });

/** Tensors of the right shapes with distinct values. */
function stateOf(network: ModelConfig): Map<string, Tensor> {
  let next = 0;
  const tensors = [...parameterShapes(network)].map(([name, shape]): [string, Tensor] => [
    name,
    { data: Float64Array.from({ length: sizeOf(shape) }, () => next++), shape },
  ]);
  return new Map(tensors);
}

describe('weights with their configuration', () => {
  test('are preserved in both forms and precisions', async () => {
    for (const form of ['train', 'deploy'] as const) {
      const formConfig = resolveConfig({ ...config, form });
      const state = stateOf(formConfig);
      await writeWeights(path(form), state, formConfig);
      const read = await readWeights(path(form));
      expect(read.config).toEqual(formConfig);
      expect(read.metadata.get('format')).toBe('pt');
      expect([...read.state.keys()]).toEqual([...state.keys()]);
      expect(read.state).toEqual(state);

      await writeWeights(path('narrow'), state, formConfig, { dtype: 'float32' });
      const narrow = await readWeights(path('narrow'), { config: formConfig });
      expect(narrow.state.get('stages.0.act.weight')?.data).toBeInstanceOf(Float32Array);
    }
  });

  test('have the configuration of the caller if the file has none', async () => {
    await writeFile(path('bare'), encodeSafetensors(stateOf(config)));
    expect((await readWeights(path('bare'), { config })).config).toEqual(config);
    const incomplete = readWeights(path('bare'));
    await expect(incomplete).rejects.toThrow(refusal(WeightsError, path('bare'), 'a configuration', 'neither'));
  });

  test("have the configuration of the file, completed by the caller's", async () => {
    const partial = resolveConfig({ ...small, mean: [0, 0, 0] });
    await writeWeights(path('partial'), stateOf(partial), partial);
    const { lambda, class_names } = config;
    const read = await readWeights(path('partial'), { config: { lambda, class_names } });
    expect(read.config).toEqual({ ...partial, lambda: 0.5, class_names: ['a', 'b', 'c'] });
    // A full configuration of the caller overrides that of the file.
    expect((await readWeights(path('partial'), { config })).config).toEqual(config);
  });
});

describe('a file of another network', () => {
  // Pairs of small networks that differ in one key; ada_pool and article_stem change no shapes.
  const base = { dims: [2, 2, 2], strides: [2, 1], num_classes: 2, act_num: 1 };
  const cases: [keyof ModelConfig, object, object][] = [
    ['dims', base, { ...base, dims: [2, 4, 2] }],
    ['strides', base, { ...base, strides: [2, 2] }],
    ['ada_pool', base, { ...base, ada_pool: [3, 0] }],
    ['article_stem', { ...base, ada_pool: [3, 0] }, { ...base, ada_pool: [3, 0], article_stem: true }],
    ['in_chans', base, { ...base, in_chans: 1 }],
    ['num_classes', base, { ...base, num_classes: 3 }],
    ['act_num', base, { ...base, act_num: 2 }],
    ['form', base, { ...base, form: 'deploy' }],
  ];
  test.each(cases)('is refused if %s differs', async (key, input, fileInput) => {
    const [current, stored] = [resolveConfig(input), resolveConfig(fileInput)];
    await writeWeights(path('other'), stateOf(stored), stored);
    const [expected, got] = [JSON.stringify(current[key]), JSON.stringify(stored[key])];
    await expect(readWeights(path('other'), { config: current })).rejects.toThrow(
      refusal(WeightsError, path('other'), `${key} ${expected}`, `${key} ${got}`),
    );
  });

  test('is identified in the error by its variant, if both have one', async () => {
    // The file needs no tensors: the configurations are compared first.
    const metadata = new Map([['vanillanet', '{"variant":"vanillanet_6"}']]);
    await writeFile(path('six'), encodeSafetensors(new Map(), { metadata }));
    await expect(readWeights(path('six'), { config: resolveConfig({ variant: 'vanillanet_5' }) })).rejects.toThrow(
      refusal(WeightsError, path('six'), 'variant "vanillanet_5"', 'variant "vanillanet_6"'),
    );
  });

  test('is identified in the error by its first wrong tensor, if it has no configuration', async () => {
    const other = resolveConfig({ ...small, num_classes: 4 });
    await writeFile(path('other classes'), encodeSafetensors(stateOf(other)));
    await expect(readWeights(path('other classes'), { config })).rejects.toThrow(
      refusal(WeightsError, `${path('other classes')}: cls1.2.weight`, '[3,8,1,1]', '[4,8,1,1]'),
    );
  });
});

describe('shards', () => {
  test.each(['utf8', 'utf16le', 'utf16be'] as const)('are read by their index in %s', async (encoding) => {
    const bytes = encodeSafetensors(stateOf(config), { metadata: writeConfig(config) });
    const { index, shards } = cutShards(bytes, { name: 'net', limit: 2000 });
    for (const [name, shard] of shards) await writeFile(path(name), shard);
    // A byte order mark, as PowerShell writes it.
    const text = `\uFEFF${JSON.stringify(index)}`;
    const encoded = Buffer.from(text, encoding === 'utf8' ? 'utf8' : 'utf16le');
    await writeFile(path('net.json'), encoding === 'utf16be' ? encoded.swap16() : encoded);
    const read = await readWeights(path('net.json'));
    expect(read.state).toEqual(stateOf(config));
    expect(read.files).toEqual([path('net.json'), ...[...shards.keys()].map((name) => path(name))]);
    expect(read.size).toBe(bytes.length);
  });

  test('may have spaces in their names', async () => {
    const bytes = encodeSafetensors(stateOf(config), { metadata: writeConfig(config) });
    const { index, shards } = cutShards(bytes, { name: 'my net', limit: 2000 });
    for (const [name, shard] of shards) await writeFile(path(name), shard);
    await writeFile(path('my net.json'), JSON.stringify(index));
    expect((await readWeights(path('my net.json'))).state).toEqual(stateOf(config));
  });

  test('in the wrong order explain the error of what they make', async () => {
    const bytes = encodeSafetensors(stateOf(config), { metadata: writeConfig(config) });
    const { index, shards } = cutShards(bytes, { name: 'order', limit: Math.ceil(bytes.length / 2) });
    const [first, second] = shards.keys();
    await writeFile(path(first), shards.get(second) ?? '');
    await writeFile(path(second), shards.get(first) ?? '');
    await writeFile(path('order.json'), JSON.stringify(index));
    const error = { op: path(first), expected: `sha256 ${index.shards[0].sha256}` };
    await expect(readWeights(path('order.json'))).rejects.toMatchObject(error);
  });
});

test('files are closed, whether they are read or refused', async () => {
  const bytes = encodeSafetensors(stateOf(config), { metadata: writeConfig(config) });
  await writeFile(path('whole'), bytes);
  await writeFile(path('cut'), bytes.subarray(0, bytes.length - 1));
  await writeFile(path('bad index.json'), '{"format": "vanillanet-shards"}');
  const lowest = async (): Promise<number> => {
    const file = await open(path('whole'));
    await file.close();
    return file.fd;
  };
  const before = await lowest();
  await readWeights(path('whole'));
  for (const name of ['cut', 'bad index.json']) await expect(readWeights(path(name))).rejects.toThrow(WeightsError);
  await expect(readWeights(path('whole'), { config: { num_classes: 7 } })).rejects.toThrow(WeightsError);
  expect(await lowest()).toBe(before);
});

describe('a path', () => {
  test('may be a file: URL', async () => {
    await writeWeights(path('by url'), stateOf(config), config);
    const { href } = pathToFileURL(path('by url'));
    const read = await readWeights(href);
    expect(read.config).toEqual(config);
    expect(read.files).toEqual([href]);
    expect(read.size).toBe((await stat(path('by url'))).size);
  });

  linuxTest('named pipes')('may be an open pipe', async () => {
    const bytes = encodeSafetensors(stateOf(config), { metadata: writeConfig(config) });
    execFileSync('mkfifo', [path('pipe')]);
    const pipe = await open(path('pipe'), 'r+');
    await pipe.write(bytes);
    const location = `/dev/fd/${pipe.fd}`;
    const { file } = await openFile(location);
    const reading = readWeights(`/dev/fd/${file.fd}`);
    // All weights have come; the end is known when the last writer has closed.
    await setTimeout(50);
    await pipe.close();
    const { state, size } = await reading;
    await file.close();
    expect(size).toBe(bytes.length);
    expect(state).toEqual(stateOf(config));
  });

  test.each(['http://h/net', 'https://me:word@h/net?key=1', 'data:,x', 'blob:nodedata:1'])(
    'is not a URL: %s',
    async (url) => {
      await expect(readWeights(url)).rejects.toMatchObject({
        ...{
          name: 'WeightsError',
          expected: 'a path',
          got: 'a URL',
          op: url.replace('me:word@', '').replace('key=1', '…'),
        },
        hint: 'Download the file first, and pass its path: only loadModel and the commands take URLs.',
      });
    },
  );

  test('of another scheme has a hint', async () => {
    await expect(readWeights('s3://b/net')).rejects.toMatchObject({
      ...{ op: 's3://b/net', expected: 'a readable file', hint: expect.stringContaining('aws s3') },
    });
  });
});

describe('a large file', () => {
  const header = (text: string): Buffer => {
    const bytes = Buffer.alloc(8 + text.length);
    bytes.writeBigUInt64LE(BigInt(text.length));
    bytes.write(text, 8);
    return bytes;
  };

  test.each([
    ['of another format', Buffer.from('GGUF\x03'), 'a safetensors file', 'a GGUF file'],
    ['of zeros', Buffer.from([0]), 'a safetensors file', 'only zeros'],
    ['with a header that names fewer bytes', header('{"__metadata__":{}}'), '0 bytes of data', '2999999973'],
    ['with a header above the limit', header('{'.padEnd(2 ** 22 + 1)), 'a header of at most 4194304 bytes', '4194305'],
    [
      'with other tensors',
      header('{"lm_head.weight":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'),
      'a dtype of F64',
      '"U8"',
    ],
    [
      'of another network',
      header('{"lm_head.weight":{"dtype":"F32","shape":[749999976],"data_offsets":[0,2999999904]}}'.padEnd(88)),
      'the tensors of a VanillaNet',
      'lm_head.weight',
    ],
  ])('%s is refused before its data are read', async (_, beginning, expected, got) => {
    await writeFile(path('large'), beginning);
    await truncate(path('large'), 3e9);
    await expect(readWeights(path('large'), { config })).rejects.toThrow(
      refusal(WeightsError, path('large'), expected, got),
    );
  });
});

describe('an unreadable file', () => {
  test('is refused if it is missing or a folder', async () => {
    const missing = refusal(WeightsError, path('nowhere'), 'a readable file', 'no such file');
    await expect(readWeights(path('nowhere'))).rejects.toThrow(missing);
    await mkdir(path('folder'));
    const folder = refusal(WeightsError, path('folder'), 'a readable file', 'a folder');
    await expect(readWeights(path('folder'))).rejects.toThrow(folder);
  });

  test('is refused if it has another format', async () => {
    await writeFile(path('text'), 'this is plain text and not a weight file');
    await expect(readWeights(path('text'))).rejects.toThrow(
      refusal(WeightsError, path('text'), 'a safetensors file', 'text that begins with "this is plain text'),
    );
  });
});

describe('invalid weights are not written', () => {
  test('and the existing file remains', async () => {
    const state = stateOf(config);
    await mkdir(path('out'));
    await writeWeights(path('out', 'w'), state, config);
    const before = await readFile(path('out', 'w'));

    const wrong: StateDict = new Map([...state].slice(0, -1));
    await expect(writeWeights(path('out', 'w'), wrong, config)).rejects.toThrow(
      refusal(WeightsError, 'cls2.0.bias', 'a tensor [3]', 'none of that name'),
    );
    const huge = new Map(state).set('stem1.0.bias', { data: new Float64Array(4).fill(1e300), shape: [4] });
    await expect(writeWeights(path('out', 'w'), huge, config, { dtype: 'float32' })).rejects.toThrow(
      refusal(WeightsError, 'stem1.0.bias', 'float32', '1e+300'),
    );
    await expect(writeWeights(path('out', 'no', 'w'), state, config)).rejects.toThrow(
      refusal(ParamError, path('out', 'no', 'w'), 'a file to write', 'no such file or folder'),
    );
    expect(await readdir(path('out'))).toEqual(['w']);
    expect((await readFile(path('out', 'w'))).equals(before)).toBe(true);
  });
});
