import { beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { all, linesOf, syntheticRun, parsed, texts } from '../report/syntheticRun.js';
import { hosted, PATIENCE } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

/** The stdout of a command that must succeed. */
async function printed(args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await inHost(args, path());
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

beforeAll(async () => {
  for (const run of ['one', 'two', 'empty', 'other']) await mkdir(path(run));
  await writeFile(path('one', 'metrics.jsonl'), linesOf(syntheticRun(3)));
  await writeFile(path('one', 'config.json'), '{ "dims": [4, 8] }');
  await writeFile(path('two', 'metrics.jsonl'), linesOf(syntheticRun(5)));
  await writeFile(path('other', 'metrics.jsonl'), '\n');
  await writeFile(path('damaged.jsonl'), `${linesOf(syntheticRun(1))}?\n${linesOf(syntheticRun(2))}`);
});

test(
  'writes a page into the folder of the run by default',
  async () => {
    expect(await printed(['plot', 'one'])).toContain(join('one', 'curves.html'));
    const page = parsed(await readFile(path('one', 'curves.html'), 'utf8'));
    expect(texts(page, 'h1')).toEqual(['Training of one']);
    expect(all(page, '.epochs tbody tr')).toHaveLength(3);
    expect(texts(page, '.config td')).toEqual(['[4,8]']);
  },
  PATIENCE,
);

test(
  'compares folders and files in one picture',
  async () => {
    const args = ['plot', 'one', 'two/metrics.jsonl', '-o', 'both.svg', '--title', 'Both'];
    expect(await printed(args)).toContain('both.svg');
    const labels = texts(parsed(await readFile(path('both.svg'), 'utf8')), 'text');
    for (const text of ['Both', 'one train', 'two validation']) expect(labels).toContain(text);
    expect(labels.indexOf('one train')).toBeLessThan(labels.indexOf('two train'));
  },
  PATIENCE,
);

test(
  'calls a file by its own name, and shows what differs, or all options',
  async () => {
    await writeFile(path('two', 'config.json'), '{ "dims": [4, 8], "act_num": 2 }');
    await writeFile(path('named.jsonl'), linesOf(syntheticRun(1)));
    const page = async (...more: string[]) => {
      await printed(['plot', 'named.jsonl', 'one', 'two', '-o', 'page.html', ...more]);
      return parsed(await readFile(path('page.html'), 'utf8'));
    };
    expect(texts(await page(), 'h1')).toEqual(['Training of named, one, two']);
    await printed(['plot', 'one', 'two', '-o', 'page.html']);
    const options = async () => texts(parsed(await readFile(path('page.html'), 'utf8')), '.config tbody th');
    expect(await options()).toEqual(['act_num']);
    await printed(['plot', 'one', 'two', '-o', 'page.html', '--all-options']);
    expect(await options()).toEqual(['dims', 'act_num']);
  },
  PATIENCE,
);

test(
  'numbers runs of the same name',
  async () => {
    await printed(['plot', 'one', 'one', '-o', 'same.svg']);
    const labels = texts(parsed(await readFile(path('same.svg'), 'utf8')), 'text');
    for (const text of ['one (1) train', 'one (2) train']) expect(labels).toContain(text);
  },
  PATIENCE,
);

describe('refuses, and writes nothing', () => {
  test.each([
    [['none'], 'DataError: none: expected a run', 'got no such file or folder'],
    [['one', 'empty'], 'DataError: empty: expected a run with metrics.jsonl', 'a folder without'],
    [['other'], `DataError: ${join('other', 'metrics.jsonl')}: expected records`, 'got none'],
    [['damaged.jsonl'], 'DataError: damaged.jsonl:6: expected a JSON object', 'got ?'],
    [['damaged.jsonl', '-o', 'nowhere/x.svg'], 'ParamError: nowhere/x.svg: expected a folder', 'got none'],
  ])(
    '%j',
    async (args, begin, end) => {
      const { status, stdout, stderr } = await inHost(['plot', ...args], path());
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr.startsWith(begin)).toBe(true);
      expect(stderr).toContain(end);
      expect(await stat(path('curves.html')).catch(() => null)).toBeNull();
    },
    PATIENCE,
  );
});
