/** What is there is whole: whatever happens in between. */
import { afterAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { staged } from '../../scripts/tfjsNode/staging.js';
import { file, removeScratch, scratch } from './scratch.js';

afterAll(removeScratch);

const write =
  (text: string) =>
  (inside: string): Promise<void> => {
    file(join(inside, 'text'), text);
    return Promise.resolve();
  };

const fail = async (inside: string): Promise<void> => {
  await write('half')(inside);
  throw new Error('in the middle');
};

test('a folder appears when it is done, and takes the place of the old one', async () => {
  const folder = scratch();
  await staged(folder, 'built', async (inside) => {
    await write('one')(inside);
    expect(readdirSync(folder)).not.toContain('built');
  });
  await staged(folder, 'built', write('two'));
  expect(readFileSync(join(folder, 'built/text'), 'utf8')).toBe('two');
  expect(readdirSync(folder)).toEqual(['built']);
});

test('a failure leaves what was there, and nothing else', async () => {
  const folder = scratch();
  await expect(staged(folder, 'built', fail)).rejects.toThrow('in the middle');
  expect(readdirSync(folder)).toEqual([]);
  await staged(folder, 'built', write('one'));
  await expect(staged(folder, 'built', fail)).rejects.toThrow('in the middle');
  expect(readFileSync(join(folder, 'built/text'), 'utf8')).toBe('one');
  expect(readdirSync(folder)).toEqual(['built']);
});

test('what a run left that was killed is removed, what another is at is not', async () => {
  const folder = scratch();
  const gone = spawnSync(process.execPath, ['--version']).pid;
  const names = [`building-${gone}`, `building-${gone}-old`, `building-${process.ppid}`];
  for (const name of names) mkdirSync(join(folder, name));
  await staged(folder, 'built', write('one'));
  expect(readdirSync(folder).sort()).toEqual([`building-${process.ppid}`, 'built']);
});
