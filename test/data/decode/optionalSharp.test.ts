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

/** A module of module.register's hooks: `resolve` of sharp fails with the given error. */
const hooks = (failure: string): string => `
  export async function resolve(specifier, context, next) {
    if (specifier === 'sharp') throw ${failure};
    return next(specifier, context);
  }`;
const NOT_INSTALLED = hooks(
  `Object.assign(new Error("Cannot find package 'sharp'"), { code: 'ERR_MODULE_NOT_FOUND' })`,
);
const NOT_FOR_THIS_PLATFORM = hooks(`new Error('\\nCould not load the "sharp" module\\nPossible solutions: …')`);

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

  test.each([
    [NOT_INSTALLED, 'none installed'],
    [NOT_FOR_THIS_PLATFORM, 'Could not load the "sharp" module'],
  ])('an image is refused with the remedy', async (failure, got) => {
    await png.toFile(path('a.png'));
    const file = JSON.stringify(path('a.png'));
    expect(await print(`return node.readImage(${file}).catch(fields)`, failure)).toEqual(refusal(path('a.png'), got));
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
