/** Every example can be copied on its own, so their common files are repeated. The copies must be equal. */
import { expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import ts from 'typescript';

const DECODERS = ['emscripten', 'png', 'pngChunks', 'restartAfterDamage'];
const text = (path: string): Promise<string> => readFile(`examples/${path}`, 'utf8');

/** The source without types, formatted by the compiler. */
function withoutTypes(source: string): string {
  const options = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(source, { compilerOptions: options }).outputText;
}

/** With the extensions that Deno and Bun import. */
const withTsImports = (source: string): string => source.replaceAll(/(from '\.\/\w+)\.js'/g, "$1.ts'");

test.each(DECODERS)('all copies of %s are equal', async (name) => {
  const original = await text(`cloudflare-worker/src/decoders/${name}.ts`);
  expect(await text(`deno/decoders/${name}.ts`)).toBe(withTsImports(original));
  expect(await text(`bun/decoders/${name}.ts`)).toBe(withTsImports(original));
  expect(withoutTypes(await text(`next-edge/app/api/classify/decoders/${name}.js`))).toBe(withoutTypes(original));
});

test.each(['@jsquash/jpeg', '@jsquash/png', '@jsquash/webp'])('all examples pin one version of %s', async (name) => {
  const versions = new Set<string | undefined>();
  for (const example of ['cloudflare-worker', 'deno', 'bun', 'next-edge']) {
    const { dependencies } = JSON.parse(await text(`${example}/package.json`)) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    if (name in dependencies) versions.add(dependencies[name]);
  }
  const [version, ...others] = versions;
  // A version and not a range: the examples use an interface that is not public.
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(others).toEqual([]);
});

test.each(['cloudflare-worker', 'lambda', 'deno', 'bun', 'next-edge'])(
  'the README of %s tells how to build the package first',
  async (name) => {
    expect(await text(`${name}/README.md`)).toContain('after `npm ci && npm run build` in its root:\n');
  },
);
