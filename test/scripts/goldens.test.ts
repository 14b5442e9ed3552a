import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareEntries, reportLines } from '../../scripts/goldens/compare.js';
import { jsonEntries, readEntries, type Entry } from '../../scripts/goldens/entries.js';
import { GOLDEN_SETS, type GoldenSet } from '../../scripts/goldens/sets.js';
import { updateSet } from '../../scripts/goldens/update.js';

const differences = (before: Record<string, Entry>, after: Record<string, Entry>): string[] =>
  compareEntries(new Map(Object.entries(before)), new Map(Object.entries(after))).map(
    ({ name, text }) => `${name}: ${text}`,
  );

test('every kind of difference has a line', () => {
  expect(differences({ a: 'x', b: [1, 2] }, { a: 'x', b: [1, 2] })).toEqual([]);
  expect(differences({ a: 'x' }, { a: 'y' })).toEqual(['a: x → y']);
  expect(differences({ a: [1, 2, 3] }, { a: [1, 2.5, 3.25] })).toEqual(['a: 2 of 3 differ, by at most 0.5']);
  expect(differences({ a: [1] }, { a: [3] })).toEqual(['a: 1 → 3, 1 of 1 differ, by at most 2']);
  expect(differences({ a: [1, 2] }, { a: [1, 2, 3] })).toEqual(['a: 2 numbers → 3 numbers']);
  expect(differences({ a: 'x' }, { b: 'x' })).toEqual(['b: new: x', 'a: removed: x']);
});

test('the sign of a zero and NaN count', () => {
  expect(differences({ a: [0, 1] }, { a: [-0, 1] })).toEqual(['a: 1 of 2 differ, by at most 0']);
  expect(differences({ a: [0, 1] }, { a: [NaN, 1] })).toEqual(['a: 1 of 2 differ, by at most NaN']);
  expect(differences({ a: [NaN, 1] }, { a: [NaN, 1] })).toEqual([]);
});

test('the summary has the largest difference', () => {
  const two = [
    { name: 'a', text: '…', largest: 0.5 },
    { name: 'b', text: '…', largest: 2 },
  ];
  expect(reportLines('set', 9, two)[2]).toBe('set: 2 of 9 entries differ; largest difference 2');
  expect(reportLines('set', 9, [])).toEqual(['set: all 9 entries are equal']);
});

test('JSON values are named by their paths', () => {
  expect(jsonEntries({ a: { b: 'x' }, c: [{ d: [1, 2] }, { d: 3 }] })).toEqual([
    ['a.b', 'x'],
    ['c[0].d', [1, 2]],
    ['c[1].d', [3]],
  ]);
});

test.each(Object.entries(GOLDEN_SETS))('the recorded values of %s can be read', async (_, { folder, read }) => {
  const entries = await read(folder);
  expect(entries.size).toBeGreaterThan(5);
  expect(compareEntries(entries, await read(folder))).toEqual([]);
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vanillanet-test-'));
  await writeFile(join(folder, 'values.json'), '{"a":[1,2]}');
});
afterEach(() => rm(folder, { recursive: true }));

test('a set is only replaced with --write, and the generator stays', async () => {
  const set: GoldenSet = {
    folder,
    read: (where) => readEntries(join(where, 'values.json')),
    generate: async (into) => {
      await writeFile(join(into, 'values.json'), '{"a":[1,4]}');
      await copyFile(new URL(import.meta.url), join(into, 'generate.py'));
    },
  };
  const lines: string[] = [];
  const update = (write: boolean) => updateSet('set', set, { python: '', write }, (line) => lines.push(line));
  expect(await update(false)).toBe(1);
  expect(await readFile(join(folder, 'values.json'), 'utf8')).toBe('{"a":[1,2]}');
  expect(await update(true)).toBe(1);
  expect(await readFile(join(folder, 'values.json'), 'utf8')).toBe('{"a":[1,4]}');
  expect(await readdir(folder)).toEqual(['values.json']);
  expect(await update(true)).toBe(0);
  expect(lines[0]).toBe('set: a: 1 of 2 differ, by at most 2');
});
