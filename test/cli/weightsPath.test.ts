/** A missing weight file is named with the nearest existing one, a folder with the files in it. */
import { expect, test } from '@jest/globals';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { weightsOrShipped } from '../../src/cli/shippedModel.js';
import { readNetworkWeights } from '../../src/cli/weights.js';
import { checkWeightsPath } from '../../src/cli/weightsPath.js';
import { CONFIG_HINT } from '../../src/io/configMetadata.js';
import { cutShards } from '../../src/io/cutShards.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { linuxTest, posixTest } from '../platform.js';

const path = temporaryFolder();

test('an existing file and any URL are returned', async () => {
  await writeFile(path('net.safetensors'), '');
  for (const location of [
    path('net.safetensors'),
    'https://example.org/net',
    'file:///absent',
    'data:,x',
    's3://b/net',
  ]) {
    expect(await checkWeightsPath(location)).toBe(location);
  }
});

test('a hyphen is standard input', async () => {
  expect(await checkWeightsPath('-')).toBe('/dev/stdin');
});

test.each([
  ['', 'an empty path', 'a variable of the shell'],
  ['a\0b', 'a path with a null character', 'Check the path.'],
  ['n'.repeat(5000), 'a name that is too long', 'Check the path.'],
  ['hf:owner/net', 'no such file or folder', 'https://huggingface.co/'],
])('an invalid path is refused: %j', async (location, got, hint) => {
  await expect(checkWeightsPath(location)).rejects.toMatchObject({
    ...{ name: 'WeightsError', expected: 'a readable file', got, hint: expect.stringContaining(hint) },
  });
});

test('a missing file is named, with the one that was probably meant', async () => {
  await mkdir(path('runs', 'one'), { recursive: true });
  await mkdir(path('.hidden'));
  await mkdir(path('node_modules'));
  for (const file of ['best.safetensors', 'small.json', 'best-fusable.png', 'runs/last.safetensors']) {
    await writeFile(path(...file.split('/')), '');
  }
  await writeFile(path('network.json.safetensors'), '');
  await writeFile(path('node_modules', 'packaged.safetensors'), '');
  await writeFile(path('runs', 'one', 'best-fusable.safetensors'), '');
  await writeFile(path('.hidden', 'secret.safetensors'), '');
  const cases: [string[], string | undefined][] = [
    [['best'], path('best.safetensors')],
    [['small'], path('small.json')],
    [['bets.safetensors'], path('best.safetensors')],
    [['unlike.safetensors'], undefined],
    [['smal.json'], path('small.json')],
    [['last'], path('runs', 'last.safetensors')],
    [['last.safetensors'], path('runs', 'last.safetensors')],
    [['runs', 'best-fusable'], path('runs', 'one', 'best-fusable.safetensors')],
    [['runs', 'one', 'best-fusible.safetensors'], path('runs', 'one', 'best-fusable.safetensors')],
    // A similar name in a subfolder is not meant, a dot does not end the name, and packages are not searched.
    [['lasts'], undefined],
    [['network.json.json'], path('network.json.safetensors')],
    [['packaged'], undefined],
    [['secret'], undefined],
    [['entirely-different'], undefined],
    [['no', 'such', 'folder'], undefined],
  ];
  for (const [names, nearest] of cases) {
    const error: unknown = await checkWeightsPath(path(...names)).catch((each: unknown) => each);
    expect(error).toMatchObject({
      name: 'WeightsError',
      op: path(...names),
      expected: 'a readable file',
      got: 'no such file or folder',
    });
    expect((error as { hint?: string }).hint).toBe(
      nearest === undefined ? 'Check the path.' : `Did you mean ${nearest}?`,
    );
  }
});

linuxTest('names that differ by case alone')('of these, a missing file means that of its own case', async () => {
  for (const name of ['Tiny.safetensors', 'tiny.safetensors']) await writeFile(path(name), '');
  for (const name of ['Tiny', 'tiny']) {
    const hint = `Did you mean ${path(`${name}.safetensors`)}?`;
    await expect(checkWeightsPath(path(name))).rejects.toMatchObject({ hint });
  }
});

posixTest('links')('a file that exists and cannot be read is not missing', async () => {
  await symlink('circle.safetensors', path('circle.safetensors'));
  await expect(checkWeightsPath(path('circle.safetensors'))).rejects.toMatchObject({
    hint: expect.not.stringContaining('Did you mean'),
  });
});

test('the first thousand entries of a folder are looked at', async () => {
  await mkdir(path('many'));
  await Promise.all(Array.from({ length: 999 }, (_, i) => writeFile(path('many', `${1000 + i}.txt`), '')));
  await writeFile(path('many', 'a.safetensors'), '');
  const hint = `Pass a file in it: ${path('many', 'a.safetensors')}.`;
  await expect(checkWeightsPath(path('many'))).rejects.toMatchObject({ hint });
  await writeFile(path('many', '0.txt'), '');
  await expect(checkWeightsPath(path('many'))).rejects.not.toHaveProperty('hint');
});

test('a folder is named, with the weight files in it', async () => {
  await mkdir(path('empty'));
  await mkdir(path('run'));
  for (let i = 0; i < 7; i++) await writeFile(path('run', `w${i}.safetensors`), '');
  await writeFile(path('run', 'metrics.jsonl'), '');
  const files = [0, 1, 2, 3, 4].map((i) => path('run', `w${i}.safetensors`)).join(', ');
  await expect(checkWeightsPath(path('run'))).rejects.toMatchObject({
    got: 'a folder',
    hint: `Pass a file in it: ${files}.`,
  });
  await expect(checkWeightsPath(path('empty'))).rejects.not.toHaveProperty('hint');
});

test('checkpoints and the recipe of a run are no weights, but names that only contain theirs are', async () => {
  await mkdir(path('names'));
  const weights = ['config.json.safetensors', 'my-checkpoint-1.safetensors', 'my-config.json'];
  for (const name of ['checkpoint-1.safetensors', 'config.json', ...weights]) await writeFile(path('names', name), '');
  const hint = `Pass a file in it: ${weights.map((name) => path('names', name)).join(', ')}.`;
  await expect(checkWeightsPath(path('names'))).rejects.toMatchObject({ hint });
});

test('weights without a description name --config, and keep the cause', async () => {
  const { index, shards } = cutShards(encodeSafetensors(new Map()), { name: 'bare' });
  await writeFile(path('bare.json'), JSON.stringify(index));
  for (const [file, bytes] of shards) await writeFile(path(file), bytes);
  await expect(readNetworkWeights(path('bare.json'), {})).rejects.toMatchObject({
    hint: expect.stringMatching(/^Add --config FILE/) as unknown,
    cause: { hint: CONFIG_HINT },
  });
});

test('every command that reads weights says so', async () => {
  await writeFile(path('mine.safetensors'), '');
  const hint = `Did you mean ${path('mine.safetensors')}?`;
  await expect(readNetworkWeights(path('mine'), {})).rejects.toMatchObject({ op: path('mine'), hint });
  await expect(weightsOrShipped(path('mine'), () => undefined)).rejects.toMatchObject({ op: path('mine'), hint });
  const notes: string[] = [];
  expect(await weightsOrShipped(undefined, (text) => notes.push(text))).toMatch(/vanillanet-cifar10\.safetensors$/);
  expect(notes).toEqual([expect.stringContaining('(of this package; choose others with --weights)')]);
});
