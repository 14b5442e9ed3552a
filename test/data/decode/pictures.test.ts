/** Pictures of every kind have the pixels that Pillow 13 reads from them, recorded in pictures.json by pictures.py. */
import { expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { comparePicture, isRefused, type Picture } from './pillow.js';

const pictures = Object.entries(
  JSON.parse(await readFile(new URL('pictures.json', import.meta.url), 'utf8')) as Record<string, Picture>,
);

test('most kinds are read', () => {
  expect(pictures.length).toBeGreaterThan(100);
  expect(pictures.filter(([name]) => isRefused(name))).toHaveLength(8);
});

test.each(pictures)('%s', comparePicture);
