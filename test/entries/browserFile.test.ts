/** dist/browser.js, which a page imports without a bundler: the main entry in one file, without imports. */
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import ts from 'typescript';

/** Bytes of gzip, with all four WebAssembly builds inlined in hexadecimal. */
const BUDGET = 60_000;

const script = await readFile('dist/browser.js', 'utf8');

test('is within its budget', () => {
  const { length } = gzipSync(script, { level: 9 });
  expect(length).toBeLessThan(BUDGET);
  expect(length).toBeGreaterThan(20_000);
});

test('names the package that it bundles, its license and copyright', () => {
  expect(script).toMatch(/^\/\*! @noble\/hashes [\d.]+, MIT license\. Copyright \(c\) .+ \*\//);
});

test('imports nothing', () => {
  expect(ts.preProcessFile(script, true, true).importedFiles).toEqual([]);
  expect(script).not.toMatch(/\bimport\s*\(|\brequire\s*\(|node:/);
});

test('has the exports of the main entry', async () => {
  const namesOf = async (entry: string): Promise<string[]> => Object.keys((await import(entry)) as object).sort();
  expect(await namesOf('vanillanet/browser.js')).toEqual(await namesOf('vanillanet'));
});

test('errors have their literal names', async () => {
  const { loadModel } = await import('vanillanet/browser.js');
  const nameOf = (source: Uint8Array, options?: object): Promise<unknown> =>
    loadModel(source, options).then(
      () => null,
      (error: unknown) => (error as Error).name,
    );
  expect(await nameOf(new Uint8Array(8))).toBe('WeightsError');
  expect(await nameOf(new Uint8Array(8), { timeout: -1 })).toBe('ParamError');
});
