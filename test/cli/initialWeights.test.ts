/** Weights that `train --init` starts from: which file, which network in it, and where they are from. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readInitialWeights, weightsFileAt } from '../../src/cli/initialWeights.js';
import { WeightsError } from '../../src/core/errors.js';
import { importWeights } from '../../src/formats/importWeights.js';
import { cutShards } from '../../src/io/cutShards.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { initialState } from '../../src/train/initialState.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';

const path = temporaryFolder();
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../formats/fixtures/network/${name}`, import.meta.url));
const OFFICIAL = fixture('official.pth');

const train = drawnConfig('train', { lambda: 0.5 });
const deploy = drawnConfig('deploy');
const sha256 = async (...files: readonly string[]): Promise<string> => {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(file));
  return hash.digest('hex');
};

const SHARDS: string[] = [];

beforeAll(async () => {
  await writeWeights(path('train.safetensors'), drawnState(train), train);
  await writeWeights(path('deploy.safetensors'), drawnState(deploy), deploy);
  for (const [folder, names] of [
    ['whole', ['best-fusable', 'best', 'last']],
    ['rising', ['best', 'last']],
    ['cut', ['last']],
    ['none', ['other']],
  ] as const) {
    await mkdir(path(folder));
    for (const name of names) await writeWeights(path(folder, `${name}.safetensors`), drawnState(train), train);
  }
  await mkdir(path('odd/best.safetensors'), { recursive: true });
  await writeWeights(path('odd/last.safetensors'), drawnState(train), train);
  const { index, shards } = cutShards(await readFile(path('train.safetensors')), { name: 'net', limit: 4096 });
  SHARDS.push(...shards.keys());
  await writeFile(path('net.json'), JSON.stringify(index));
  for (const [file, shard] of shards) await writeFile(path(file), shard);
  const backbone = new Map(
    [...drawnState(train)].filter(([name]) => !name.startsWith('cls')).map(([name, t]) => [`backbone.${name}`, t]),
  );
  await writeFile(path('backbone.safetensors'), encodeSafetensors(backbone));
  const half = new Map([...drawnState(train)].filter(([name]) => name !== 'cls2.0.bias' && name !== 'stem1.0.bias'));
  await writeFile(path('half.safetensors'), encodeSafetensors(half));
  await writeFile(path('bare.safetensors'), encodeSafetensors(drawnState(train)));
});

describe('the file', () => {
  test.each([
    ['whole', 'best-fusable'],
    ['rising', 'best'],
    ['cut', 'last'],
    ['odd', 'last'],
  ])('of the run in %s is %s.safetensors', async (folder, name) => {
    expect(await weightsFileAt(path(folder))).toBe(path(folder, `${name}.safetensors`));
    expect((await readInitialWeights(path(folder))).source.file).toBe(path(folder, `${name}.safetensors`));
  });

  test('is named in a folder without weights of a run', async () => {
    await expect(weightsFileAt(path('none'))).rejects.toThrow(
      refusal(WeightsError, 'none', 'a readable file', 'a folder'),
    );
    await expect(weightsFileAt(path('none'))).rejects.toMatchObject({
      hint: `Pass a file in it: ${path('none/other.safetensors')}.`,
    });
  });

  test('must exist', async () => {
    const missing = refusal(WeightsError, 'deploi.safetensors', 'a readable file', 'no such file');
    await expect(readInitialWeights(path('deploi.safetensors'))).rejects.toThrow(missing);
    await expect(readInitialWeights('https://localhost/x.safetensors')).rejects.toThrow(
      refusal(WeightsError, 'localhost', 'a path', 'a URL'),
    );
    await expect(readInitialWeights('s3://bucket/x')).rejects.toThrow(WeightsError);
  });
});

test.each([
  ['train', train, 0.5],
  ['deploy', deploy, 1],
] as const)('reads weights of this package in the %s form', async (form, config, lambda) => {
  const file = path(`${form}.safetensors`);
  const seen: [number, number][] = [];
  const { state, config: found, hasHead, source, notes } = await readInitialWeights(file, {}, (...at) => seen.push(at));
  expect([found, state, hasHead, notes]).toEqual([config, drawnState(config), true, []]);
  const { length } = await readFile(file);
  expect(source).toEqual({
    ...{ file, sha256: await sha256(file), bytes: length, format: 'safetensors', source: '', ema: false, epoch: null },
    ...{ form, lambda, left_out: [] },
  });
  expect(seen).toEqual([[2 * length, 2 * length]]);
});

test('reads weights in several files, whose digest is that of one after the other', async () => {
  const { source, state } = await readInitialWeights(path('net.json'));
  const files = SHARDS.map((name) => path(name));
  expect(files.length).toBeGreaterThan(1);
  expect(state).toEqual(drawnState(train));
  const bytes = (await Promise.all(files.map((file) => readFile(file)))).reduce((sum, { length }) => sum + length, 0);
  expect(source).toMatchObject({ file: path('net.json'), bytes, sha256: await sha256(...files) });
});

describe('weights of other frameworks', () => {
  test.each([OFFICIAL, pathToFileURL(OFFICIAL).href])('have what their file says: %s', async (location) => {
    const seen: [number, number][] = [];
    const { state, config, source, notes, hasHead } = await readInitialWeights(location, {}, (...at) => seen.push(at));
    const imported = await importWeights(OFFICIAL);
    expect(state).toEqual(await imported.readState());
    await imported.close();
    expect([config, hasHead]).toEqual([imported.config, true]);
    const { length } = await readFile(OFFICIAL);
    expect(source).toMatchObject({
      ...{ file: location, sha256: await sha256(OFFICIAL), bytes: length, format: 'PyTorch checkpoint (zip)' },
      ...{ source: imported.source, ema: true, epoch: imported.epoch, form: 'train', left_out: [] },
    });
    expect(imported.source).not.toBe('');
    expect(notes[0]).toBe(`took ${imported.source}, the exponential moving average`);
    expect(notes.slice(1)).toEqual(imported.guesses.map((guess) => `guessed ${guess}`));
    // First the digest, then the tensors, which are as much work.
    expect(seen[0]).toEqual([length, 2 * length]);
    expect(seen.at(-1)).toEqual([2 * length, 2 * length]);
    expect(seen.every(([done], i) => i === 0 || done >= seen[i - 1][0])).toBe(true);
  });

  test('take what the caller states in place of a guess', async () => {
    const guessed = await readInitialWeights(path('bare.safetensors'));
    expect(guessed.notes).toEqual([expect.stringContaining('guessed strides [1, 1]')]);
    const { config, notes } = await readInitialWeights(path('bare.safetensors'), { strides: [2, 1] });
    expect([config.strides, notes]).toEqual([[2, 1], []]);
  });

  test('may lack the head, which is drawn later', async () => {
    const { state, config, hasHead, source } = await readInitialWeights(path('backbone.safetensors'), {
      strides: [2, 1],
    });
    expect([hasHead, config.num_classes, source.left_out]).toEqual([false, 1, []]);
    expect(state.get('stages.1.conv2.0.weight')).toEqual(drawnState(train).get('stages.1.conv2.0.weight'));
    expect(state.get('cls1.2.weight')).toEqual(initialState(config, 0).get('cls1.2.weight'));
    expect([...state.keys()]).toEqual([...initialState(config, 0).keys()]);
  });

  test('must have the rest of the network', async () => {
    const none = refusal(WeightsError, 'half.safetensors', 'all tensors of the network', 'stem1.0.bias, cls2.0.bias');
    await expect(readInitialWeights(path('half.safetensors'), { strides: [2, 1] })).rejects.toThrow(none);
    await expect(readInitialWeights(path('half.safetensors'))).rejects.toThrow(WeightsError);
  });
});
