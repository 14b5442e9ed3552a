/** A training that does not come to its end, and one that nobody listens to. */
import { describe, expect, test } from '@jest/globals';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { readWeights } from '../../src/io/weightsFile.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { outcomeOf, PATIENCE, start } from './commandLine.js';

const path = temporaryFolder();

const train = (...more: string[]): string[] => [
  ...['train', '--data', 'shapes', '--size', '8', '--dims', '2,2', '--strides', '1', '--val-limit', '0'],
  ...['--limit', '40', '--batch-size', '4', '--output', 'net.safetensors', '--json', ...more],
];

describe.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('%s in the middle of a training', (signal) => {
  test.each([
    ['leaves nothing', null],
    ['leaves the file that was there', 'weights of yesterday'],
  ])(
    '%s',
    async (what, before) => {
      const folder = path(`${signal} ${what}`);
      await mkdir(folder);
      if (before !== null) await writeFile(`${folder}/net.safetensors`, before);
      // Days of epochs: it is in the middle, whenever the signal comes.
      const child = start(train('--epochs', '10000000'), folder);
      child.stdout.once('data', () => child.kill(signal));
      const { status, stdout, stderr } = await outcomeOf(child);
      expect([status, child.signalCode, stderr]).toEqual([null, signal, '']);
      expect(stdout).toContain('"epoch":1,"step":1,');
      expect(await readdir(folder)).toEqual(before === null ? [] : ['net.safetensors']);
      if (before !== null) expect(await readFile(`${folder}/net.safetensors`, 'utf8')).toBe(before);
    },
    PATIENCE,
  );
});

test(
  'a reader that has heard enough does not cost the weights',
  async () => {
    await mkdir(path('unheard'));
    const child = start(train('--epochs', '3'), path('unheard'));
    child.stdout.destroy();
    expect(await outcomeOf(child)).toMatchObject({ status: 0, stderr: '' });
    expect(await readdir(path('unheard'))).toEqual(['net.safetensors']);
    expect((await readWeights(path('unheard', 'net.safetensors'))).config.lambda).toBe(1);
  },
  PATIENCE,
);
