/** The goldens are what their generator wrote: nothing was edited since. */
import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('golden/', import.meta.url);
const hash = (file: string): string =>
  createHash('sha256')
    .update(readFileSync(new URL(file, FOLDER)))
    .digest('hex');

const manifest = JSON.parse(readFileSync(new URL('manifest.json', FOLDER), 'utf8')) as {
  generator: string;
  files: Record<string, string>;
};

test('the generator is the one that wrote them', () => {
  expect(hash('generate.py')).toBe(manifest.generator);
});

test('every golden is as it was written, and none is missing', () => {
  const found = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /\.safetensors$|^official-/.test(file));
  expect(Object.fromEntries(found.map((file) => [file, hash(file)]))).toEqual(manifest.files);
});
