/** The entries for Node are bundles of a few files, with the same exports as the portable modules and shared classes. */
import { expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

interface Entry {
  readonly node?: string | { readonly default: string };
  readonly default?: string;
}

const { exports } = JSON.parse(await readFile('package.json', 'utf8')) as {
  readonly exports: Readonly<Record<string, string | Entry>>;
};
const ENTRIES = Object.entries(exports).flatMap(([entry, files]) =>
  typeof files === 'object' && files.node !== undefined && files.default !== undefined
    ? [{ entry, node: typeof files.node === 'string' ? files.node : files.node.default, source: files.default }]
    : [],
);

const load = async (file: string): Promise<Readonly<Record<string, unknown>>> =>
  (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;

test('the portable entries have a bundle for Node', () => {
  expect(ENTRIES.map(({ entry }) => entry)).toEqual(['.', './core', './train', './ops', './tfjs', './reference']);
});

test.each([...ENTRIES, { entry: './node', node: './dist/node/node.js', source: './dist/src/entries/node.js' }])(
  '$entry has the exports of its source',
  async ({ node, source }) => {
    expect(Object.keys(await load(node)).sort()).toEqual(Object.keys(await load(source)).sort());
  },
);

test('names that several entries export are the same objects', async () => {
  // The reference has its own error classes, because it imports nothing from the project.
  const others = ENTRIES.filter(({ entry }) => entry !== './reference').map(({ node }) => node);
  const entries = await Promise.all([...others, './dist/node/node.js'].map(load));
  const seen = new Map<string, unknown>();
  let shared = 0;
  for (const [name, value] of entries.flatMap((entry) => Object.entries(entry))) {
    // The function of ./core differs: it takes a WebAssembly module.
    if (name === 'loadModel') continue;
    if (seen.has(name)) {
      expect({ name, same: seen.get(name) === value }).toEqual({ name, same: true });
      shared++;
    }
    seen.set(name, value);
  }
  expect(shared).toBeGreaterThan(10);
});
