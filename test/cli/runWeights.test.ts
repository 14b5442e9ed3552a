/** Files of a run given as weights, and weights without a configuration: the error says which file or flag to use. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { loadNetwork, readNetworkWeights } from '../../src/cli/weights.js';
import { checkWeightsPath } from '../../src/cli/weightsPath.js';
import { resolveConfig } from '../../src/core/config.js';
import { configOf, CHECKPOINT_KEY } from '../../src/io/configMetadata.js';
import { cutShards } from '../../src/io/cutShards.js';
import { fileKind } from '../../src/io/fileKind.js';
import { reasonOf } from '../../src/io/reason.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { readWeights } from '../../src/io/weightsFile.js';
import { loadModel } from '../../src/model/loadModel.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { encodeCheckpoint } from '../../src/train/checkpointFile.js';
import { resolveRecipe } from '../../src/train/recipe.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { hosted } from './commandLine.js';

const path = temporaryFolder();
const vanillanet = hosted();
const config = drawnConfig('train');
const state = drawnState(config);

const checkpoint = (): Uint8Array =>
  encodeCheckpoint({
    config,
    recipe: resolveRecipe({}),
    images: 8,
    epoch: 1,
    step: 0,
    globalStep: 1,
    tally: { images: 0, lossSum: 0, top1: 0, top5: 0 } as never,
    best: null,
    bestFusable: null,
    snapshot: { state, optimizer: new Map(), steps: 0 },
  });

const CHECKPOINT = 'checkpoint-00000001.safetensors';
const FILES = expect.stringContaining('best-fusable.safetensors, best.safetensors or last.safetensors');

beforeAll(async () => {
  await writeFile(path(CHECKPOINT), checkpoint());
  await writeFile(path('bare.safetensors'), encodeSafetensors(state));
});

describe('a checkpoint as weights', () => {
  const fields = { name: 'WeightsError', expected: 'the weights of a network', got: 'a checkpoint of a training run' };

  test('is recognized by every reader, with a configuration or without', async () => {
    const file = path(CHECKPOINT);
    for (const given of [undefined, config]) {
      const options = given === undefined ? {} : { config: given };
      await expect(loadModel(file, options)).rejects.toMatchObject({ ...fields, op: file, hint: FILES });
      await expect(loadModel(checkpoint(), options)).rejects.toMatchObject({ ...fields, hint: FILES });
      await expect(readWeights(file, options)).rejects.toMatchObject({ ...fields, op: file, hint: FILES });
    }
    await expect(readNetworkWeights(file, {})).rejects.toMatchObject({ ...fields, hint: FILES });
    await expect(loadNetwork(file, { backend: referenceBackend })).rejects.toMatchObject({ ...fields, hint: FILES });
    const metadata = new Map([[CHECKPOINT_KEY, '{}']]);
    expect(() => configOf({ names: new Map(), metadata }, undefined, 'a')).toThrow(expect.objectContaining(fields));
  });

  test.each([
    ['classify', '-w', CHECKPOINT, 'a.png'],
    ['eval', '-w', CHECKPOINT, '-d', 'shapes'],
    ['fuse', CHECKPOINT, 'out.safetensors'],
    ['pack', CHECKPOINT, 'out.safetensors', '--dtype', 'float16'],
    ['summary', '-w', CHECKPOINT],
  ])('by %s', async (...args) => {
    const { status, stderr } = await vanillanet(args, path());
    expect(status).toBe(1);
    expect(stderr).toContain(`${CHECKPOINT}: expected the weights of a network, got a checkpoint of a training run`);
    expect(stderr).toContain('hint: Of a run, pass best-fusable.safetensors');
  });
});

describe('other files of a run', () => {
  test('its folder', async () => {
    const run = path('run');
    await mkdir(run);
    await writeFile(path('run', CHECKPOINT), '');
    await writeFile(path('run', 'config.json'), '{}');
    await expect(checkWeightsPath(run)).rejects.toMatchObject({
      got: 'a folder',
      hint: `It is that of a run without weights yet. Continue it: vanillanet train --resume ${run}.`,
    });
    for (const name of ['best', 'best-fusable', 'last']) await writeFile(path('run', `${name}.safetensors`), '');
    const files = ['best-fusable', 'best', 'last'].map((name) => path('run', `${name}.safetensors`));
    await expect(checkWeightsPath(run)).rejects.toMatchObject({ hint: `Pass a file in it: ${files.join(', ')}.` });
    await writeFile(path('run', 'deploy.safetensors'), '');
    const fusedFirst = [path('run', 'deploy.safetensors'), ...files].join(', ');
    await expect(checkWeightsPath(run)).rejects.toMatchObject({ hint: `Pass a file in it: ${fusedFirst}.` });
    await expect(loadModel(run)).rejects.toMatchObject({ op: run, got: 'a folder', hint: FILES });
    await expect(readWeights(run)).rejects.toMatchObject({ got: 'a folder', hint: FILES });
  });

  test.each([
    ['{"kind":"step","epoch":1,"lambda":0,"lr":0.003', 'JSON: the records of a training run (metrics.jsonl)'],
    ['{"kind":"epoch","epoch":1,"lambda":0,"lr":0.003', 'JSON: the records of a training run (metrics.jsonl)'],
    ['epoch,time,train/loss,train/top1\n1,0.2', 'the results of a training run (results.csv)'],
    ['{\n  "epochs": 2,\n  "decay_epochs": 1', 'JSON: the config.json of a training run, or a recipe'],
    [
      `\x18${'\0'.repeat(7)}\xa3\x7f\x4b\x22\x09\x7b\x14\xfe\xaf\x66\xc3\xda\x41\x1a\x0dbrain.Event:2`,
      'event files of TensorBoard',
    ],
  ])('%j', (content, name) => {
    const head = Uint8Array.from(content, (letter) => letter.charCodeAt(0));
    expect(fileKind(head)).toEqual({ name, hint: FILES });
  });

  test('config.json, whole', async () => {
    await writeFile(path('run', 'config.json'), JSON.stringify({ epochs: 2, decay_epochs: 1, dims: [8] }));
    await expect(loadModel(path('run', 'config.json'))).rejects.toMatchObject({
      got: 'JSON: the config.json of a training run, or a recipe',
      hint: FILES,
    });
  });
});

describe('weights without a configuration', () => {
  const commandHint = 'Add --config FILE, with the network as JSON: {"variant": "vanillanet_5"}, or dims and strides.';
  const fields = { name: 'WeightsError', expected: "a configuration in the file's metadata, or from the caller" };

  test('in code, the hint names the option', async () => {
    const hint = "Pass { config: { variant: 'vanillanet_5' } } or other sizes.";
    await expect(loadModel(path('bare.safetensors'))).rejects.toMatchObject({ ...fields, hint });
  });

  test('on the command line, it names the flag for shards', async () => {
    const { index, shards } = cutShards(await readFile(path('bare.safetensors')), { name: 'bare' });
    const file = path('bare.json');
    await writeFile(file, JSON.stringify(index));
    for (const [name, bytes] of shards) await writeFile(path(name), bytes);
    await expect(loadNetwork(file, { backend: referenceBackend })).rejects.toMatchObject({
      ...{ ...fields, op: file, got: 'neither', hint: commandHint },
    });
    await expect(readNetworkWeights(file, {})).rejects.toMatchObject({ ...fields, op: file, hint: commandHint });
    await expect(loadNetwork(path('none'), { backend: referenceBackend })).rejects.toMatchObject({
      ...{ got: 'no such file or folder', hint: 'Check the path.' },
    });
    for (const args of [
      ['classify', '-w', file, 'a.png'],
      ['eval', '-w', file, '-d', 'shapes'],
      ['bench', '-w', file],
      ['plan', '-w', file],
      ['diff', '-w', file],
    ]) {
      const { stderr } = await vanillanet(args, path());
      expect(`${args[0]}: ${stderr}`).toContain('hint: Add --config FILE');
    }
  });

  test('with a configuration they are read', async () => {
    const { config: read } = await readNetworkWeights(path('bare.safetensors'), {
      config: await (async () => {
        await writeFile(path('net.json'), JSON.stringify({ ...config, lambda: undefined }));
        return path('net.json');
      })(),
    });
    expect(read).toEqual(resolveConfig({ ...config, lambda: null }));
    const model = await loadNetwork(path('bare.safetensors'), { backend: referenceBackend, config });
    expect(model.config).toEqual(config);
    model.dispose();
  });
});

test('an error of Node for a folder is put into words', () => {
  expect(reasonOf(Object.assign(new Error('Path is a directory: rm returned EISDIR'), { code: 'ERR_FS_EISDIR' }))).toBe(
    'a folder',
  );
});
