/** What Node gets of the package: entries made of few files, which export what their sources do, and share their errors. */
import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

interface Entry {
  readonly node?: string;
  readonly default?: string;
}

const { exports } = JSON.parse(await readFile('package.json', 'utf8')) as {
  readonly exports: Readonly<Record<string, string | Entry>>;
};
const ENTRIES = Object.entries(exports).flatMap(([entry, files]) =>
  typeof files === 'object' && files.node !== undefined && files.default !== undefined
    ? [{ entry, node: files.node, source: files.default }]
    : [],
);

const load = async (file: string): Promise<Readonly<Record<string, unknown>>> =>
  (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;

test('are those that run on Node', () => {
  expect(ENTRIES.map(({ entry }) => entry)).toEqual(['.', './core', './train', './node', './tfjs', './reference']);
});

describe.each(ENTRIES)('$entry', ({ node, source }) => {
  test('exports what its source does', async () => {
    expect(Object.keys(await load(node)).sort()).toEqual(Object.keys(await load(source)).sort());
  });
});

test('what several export is the same thing', async () => {
  // The oracle has errors of its own, as it imports nothing.
  const others = ENTRIES.filter(({ entry }) => entry !== './reference');
  const entries = await Promise.all(others.map(({ node }) => load(node)));
  const seen = new Map<string, unknown>();
  let shared = 0;
  for (const [name, value] of entries.flatMap((entry) => Object.entries(entry))) {
    // That of ./core wants a module.
    if (name === 'loadModel') continue;
    if (seen.has(name)) {
      expect({ name, same: seen.get(name) === value }).toEqual({ name, same: true });
      shared++;
    }
    seen.set(name, value);
  }
  expect(shared).toBeGreaterThan(10);
});
