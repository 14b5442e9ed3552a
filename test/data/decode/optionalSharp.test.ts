/** vanillanet/node on a machine without sharp: only what decodes images fails, and the error says what to install. */
import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { temporaryFolder } from '../../io/temporaryFolder.js';

const path = temporaryFolder();
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * A module of module.register's hooks: `resolve` of sharp fails with each of the given errors in turn, then always with
 * the last one. It succeeds for null.
 */
const hooks = (...failures: readonly string[]): string => `
  const failures = [${failures.map((failure) => `() => ${failure}`).join(', ')}];
  export async function resolve(specifier, context, next) {
    const failure = specifier !== 'sharp' ? null : failures.length > 1 ? failures.shift()() : failures[0]();
    if (failure !== null) throw failure;
    return next(specifier, context);
  }`;
const errorOf = (message: string, code: string): string =>
  `Object.assign(new Error(${JSON.stringify(message)}), { code: '${code}' })`;
const NOT_FOUND = errorOf("Cannot find package 'sharp'", 'ERR_MODULE_NOT_FOUND');
const NOT_INSTALLED = hooks(NOT_FOUND);

const NO_FAILURE = 'export {}';

const dataUrl = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;

/** What a script, with `vanillanet/node` as `node`, prints as JSON in a process in which sharp does not load. */
async function print(script: string, failure: string): Promise<unknown> {
  const register = `import { register } from 'node:module'; register(${JSON.stringify(dataUrl(failure))});`;
  const code = `const node = await import('vanillanet/node');
    const fields = (error) => ({ name: error.name, op: error.op, expected: error.expected, got: error.got, hint: error.hint });
    console.log(JSON.stringify(await (async () => { ${script} })()));`;
  const args = ['--import', dataUrl(register), '--input-type=module', '--eval', code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  return JSON.parse(stdout) as unknown;
}

const png = sharp(Uint8Array.of(1, 2, 3), { raw: { width: 1, height: 1, channels: 3 } }).png();

const refusal = (op: string, got: string): object => ({
  name: 'BackendUnavailableError',
  op,
  expected: 'the package sharp, which decodes images',
  got,
  hint: 'Install it beside vanillanet: npm install sharp.',
});

describe('without sharp', () => {
  test('everything that decodes no image works', async () => {
    const script = `const shapes = await node.openDataset('shapes', 'train', { n: 20 });
      return [shapes.n, node.batchOf(shapes, [0, 1], { mean: [0, 0, 0], std: [1, 1, 1] }).length];`;
    expect(await print(script, NOT_INSTALLED)).toEqual([20, 2 * 3 * 32 * 32]);
  });

  test('an image is refused with the reason and the remedy, and read once sharp is there', async () => {
    await png.toFile(path('a.png'));
    const failures = [
      [NOT_FOUND, 'none installed'],
      // As loaders of CommonJS say it.
      [errorOf("Cannot find module 'sharp'", 'MODULE_NOT_FOUND'), 'none installed'],
      [errorOf('more before', 'NO_MODULE_NOT_FOUND'), 'more before'],
      [errorOf('more behind', 'MODULE_NOT_FOUND_NOW'), 'more behind'],
      [
        `new Error('\\nCould not load the "sharp" module\\nPossible solutions: …')`,
        'Could not load the "sharp" module',
      ],
    ];
    const script = `const read = () => node.readImage(${JSON.stringify(path('a.png'))}).then(({ data }) => [...data], fields);
      const results = [];
      for (let i = 0; i <= ${failures.length}; i++) results.push(await read());
      return results;`;
    const results = await print(script, hooks(...failures.map(([failure]) => failure), 'null'));
    expect(results).toEqual([...failures.map(([, got]) => refusal(path('a.png'), got)), [1, 2, 3]]);
  });

  test.each(['memory', 'none'])('an image folder is refused before its images are read, cache %s', async (cache) => {
    await mkdir(path('set/cat'), { recursive: true });
    await png.toFile(path('set/cat/a.png'));
    const script = `return node.openDataset(${JSON.stringify(path('set'))}, 'train', { cache: '${cache}', onBadImage: 'skip' }).catch(fields)`;
    expect(await print(script, NOT_INSTALLED)).toEqual(refusal(path('set'), 'none installed'));
  });
});

test('with sharp, the image is read', async () => {
  await png.toFile(path('b.png'));
  const script = `const { width, height, data } = await node.readImage(${JSON.stringify(path('b.png'))}); return [width, height, ...data];`;
  expect(await print(script, NO_FAILURE)).toEqual([1, 1, 1, 2, 3]);
});
