/** Each example can be copied by itself: what several of them have is there several times, and the same. */
import { expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import ts from 'typescript';

const DECODERS = ['emscripten', 'png', 'pngChunks', 'renewed'];
const text = (path: string): Promise<string> => readFile(`examples/${path}`, 'utf8');

/** Without types, and however its lines are broken. */
function plain(source: string): string {
  const options = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(source, { compilerOptions: options }).outputText;
}

/** As Deno and Bun import them. */
const named = (source: string): string => source.replaceAll(/(from '\.\/\w+)\.js'/g, "$1.ts'");

test.each(DECODERS)('the decoders: %s', async (name) => {
  const ours = await text(`cloudflare-worker/src/decoders/${name}.ts`);
  expect(await text(`deno/decoders/${name}.ts`)).toBe(named(ours));
  expect(await text(`bun/decoders/${name}.ts`)).toBe(named(ours));
  expect(plain(await text(`next-edge/app/api/classify/decoders/${name}.js`))).toBe(plain(ours));
});

test.each(['@jsquash/jpeg', '@jsquash/png', '@jsquash/webp'])('%s is one version', async (name) => {
  const versions = new Set<string | undefined>();
  for (const example of ['cloudflare-worker', 'deno', 'bun', 'next-edge']) {
    const { dependencies } = JSON.parse(await text(`${example}/package.json`)) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    if (name in dependencies) versions.add(dependencies[name]);
  }
  const [version, ...others] = versions;
  // No range: what is used of it is no public interface.
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(others).toEqual([]);
});

test.each(['cloudflare-worker', 'lambda', 'deno', 'bun', 'next-edge'])('%s says what comes before', async (name) => {
  expect(await text(`${name}/README.md`)).toContain('after `npm ci && npm run build` in its root:\n');
});
