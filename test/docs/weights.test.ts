/** The tables of docs/runtimes.md: every entry of the package, and sizes that are those of the build. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { weighEntries, weighWorker, type EntryWeight } from '../../scripts/entryWeights.js';
import { inlineCode, readPages, ROOT } from './markdown.js';

const page = readPages().find(({ path }) => path === 'docs/runtimes.md');
if (page === undefined) throw new Error('no page docs/runtimes.md');

const PACKAGE_FILE = join(ROOT, 'package.json');
const { exports } = JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')) as { exports: Record<string, unknown> };

/** How far a size in the page may be from that of the build, relative to it. */
const TOLERANCE = 0.1;

const tables = page.text.slice(page.text.indexOf('<!-- weights:'), page.text.indexOf('<!-- end of weights -->'));
const rows = new Map(
  tables
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(({ length }) => length === 7)
    .map(([, entry, ...cells]) => [entry.replaceAll('`', ''), cells.map((cell) => parseFloat(cell))]),
);

/** The numbers of a row; NaN for an empty cell. */
const numbersOf = ({ files, bytes, browser, workerd }: EntryWeight): number[] => [
  files,
  ...[bytes, browser, workerd].map((size) => (size === null ? NaN : size / 1000)),
];

test('the page names every export of the package', () => {
  const names = new Set(inlineCode(page));
  const missing = Object.keys(exports)
    .map((path) => `vanillanet${path.slice(1)}`)
    .filter((name) => name !== 'vanillanet/package.json' && !names.has(name));
  expect(missing).toEqual([]);
});

test('the table of weights has every entry, with the sizes of the build', async () => {
  const weights = await weighEntries(ROOT, PACKAGE_FILE);
  const expected = new Map(weights.map((weight) => [weight.entry, numbersOf(weight)]));
  expected.set('a Worker that calls loadModel of vanillanet/core', [NaN, NaN, NaN, (await weighWorker(ROOT)) / 1000]);
  expect([...rows.keys()].filter((name) => name.includes('vanillanet'))).toEqual([...expected.keys()]);

  const wrong: string[] = [];
  for (const [name, sizes] of expected) {
    sizes.forEach((size, i) => {
      const documented = rows.get(name)?.[i] ?? NaN;
      const isEqual = Number.isNaN(size) ? Number.isNaN(documented) : Math.abs(documented - size) <= TOLERANCE * size;
      if (!isEqual) wrong.push(`${name}: ${documented} in the page, ${size} in the build`);
    });
  }
  expect(wrong).toEqual([]);
});
