/** The recorded goldens are unchanged since their generator wrote them. */
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

test('the manifest has the hash of the generator', () => {
  expect(hash('generate.py')).toBe(manifest.generator);
});

test('the manifest has the hash of every golden, and no other', () => {
  const found = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /\.safetensors$|^official-/.test(file));
  expect(Object.fromEntries(found.map((file) => [file, hash(file)]))).toEqual(manifest.files);
});
