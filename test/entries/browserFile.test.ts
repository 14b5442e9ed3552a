/** dist/browser.js, which a page imports without a bundler: all of the main entry, and no import of its own. */
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import ts from 'typescript';

/** With all four builds inside, as base64. */
const BUDGET = 60_000;

const script = await readFile('dist/browser.js', 'utf8');

test('is within its budget', () => {
  const { length } = gzipSync(script, { level: 9 });
  expect(length).toBeLessThan(BUDGET);
  expect(length).toBeGreaterThan(20_000);
});

test('imports nothing', () => {
  expect(ts.preProcessFile(script, true, true).importedFiles).toEqual([]);
  expect(script).not.toMatch(/\bimport\s*\(|\brequire\s*\(|node:/);
});

test('exports what the package does', async () => {
  const namesOf = async (entry: string): Promise<string[]> => Object.keys((await import(entry)) as object).sort();
  expect(await namesOf('vanillanet/browser.js')).toEqual(await namesOf('vanillanet'));
});
