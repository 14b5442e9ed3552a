/** A staged folder is complete or does not exist. */
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

test('a folder appears when it is complete, and replaces the old one', async () => {
  const folder = scratch();
  await staged(folder, 'built', async (inside) => {
    await write('one')(inside);
    expect(readdirSync(folder)).not.toContain('built');
  });
  await staged(folder, 'built', write('two'));
  expect(readFileSync(join(folder, 'built/text'), 'utf8')).toBe('two');
  expect(readdirSync(folder)).toEqual(['built']);
});

test('a failure keeps the old folder and leaves nothing else', async () => {
  const folder = scratch();
  await expect(staged(folder, 'built', fail)).rejects.toThrow('in the middle');
  expect(readdirSync(folder)).toEqual([]);
  await staged(folder, 'built', write('one'));
  await expect(staged(folder, 'built', fail)).rejects.toThrow('in the middle');
  expect(readFileSync(join(folder, 'built/text'), 'utf8')).toBe('one');
  expect(readdirSync(folder)).toEqual(['built']);
});

test('folders of killed runs are removed, those of running ones are not', async () => {
  const folder = scratch();
  const endedPid = spawnSync(process.execPath, ['--version']).pid;
  const names = [`building-${endedPid}`, `building-${endedPid}-old`, `building-${process.ppid}`];
  for (const name of names) mkdirSync(join(folder, name));
  await staged(folder, 'built', write('one'));
  expect(readdirSync(folder).sort()).toEqual([`building-${process.ppid}`, 'built']);
});
