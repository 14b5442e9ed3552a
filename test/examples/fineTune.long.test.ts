/** examples/fineTune.ts, as its first lines say to run it: pictures, a new head, and a network that knows the new classes. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { readWeights } from '../../src/io/weightsFile.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();
const CLASSES = ['checker', 'cross', 'ring', 'triangle'];

test('fine-tunes the shipped network on a folder of 200 pictures', async () => {
  const argv = ['--import', './scripts/ts-node.js', 'examples/fineTune.ts', path('work')];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  for (const name of CLASSES) expect(await readdir(path('work/pictures', name))).toHaveLength(50);

  expect(stdout).toContain('160 pictures to train on, 40 held out; classes: checker, cross, ring, triangle');
  expect(stdout).toContain('drawn for the new classes: cls.2.weight, cls.2.bias');
  const accuracies = [...stdout.matchAll(/^epoch \d+ .*held out (.*)%$/gm)].map(([, text]) => Number(text));
  expect(accuracies).toHaveLength(10);
  // A quarter would be chance.
  expect(accuracies.at(-1)).toBeGreaterThanOrEqual(95);
  expect(stdout).toMatch(/pictures\/ring\/1\.png: ring \d/);

  const [{ state, config }, before] = await Promise.all(
    [path('work/deploy.safetensors'), 'models/vanillanet-cifar10.safetensors'].map((file) => readWeights(file)),
  );
  expect(config).toMatchObject({ form: 'deploy', class_names: CLASSES });
  const isSame = (name: string): boolean => String(state.get(name)?.data) === String(before.state.get(name)?.data);
  expect(['stem.0.weight', 'stages.0.act.bias', 'stages.1.conv.weight'].map(isSame)).toEqual([true, true, false]);
});
