/** The parameters of the compiler, recorded by a stub. */
import { afterAll, expect } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../../scripts/tfjsNode/compile.js';
import { posixTest } from '../platform.js';
import { file, program, removeScratch, scratch } from './scratch.js';

const shTest = posixTest('sh');

afterAll(removeScratch);

async function compileWith(cuda: readonly string[]): Promise<{ parameters: string[]; folder: string }> {
  const folder = scratch();
  for (const name of cuda) file(join(folder, 'deps/nvidia', name));
  const compiler = program(join(folder, 'c++'), `printf '%s\\n' "$@" > "${folder}/parameters"`);
  await compile({ compiler, include: '/tf/include', modules: '/modules', package: folder });
  return { parameters: readFileSync(join(folder, 'parameters'), 'utf8').trim().split('\n'), folder };
}

shTest('the addon finds libtensorflow relative to itself', async () => {
  const { parameters, folder } = await compileWith([]);
  expect(parameters.filter((parameter) => parameter.startsWith('-Wl,'))).toEqual(['-Wl,-rpath,$ORIGIN/../../deps/lib']);
  expect(parameters).toContain(`-L${folder}/deps/lib`);
  expect(parameters.at(-1)).toBe(`${folder}/lib/napi-v8/tfjs_binding.node`);
});

shTest('the CUDA libraries are linked to the addon by their sonames', async () => {
  const { parameters, folder } = await compileWith([
    'cublas/lib/libcublas.so.12',
    'cublas/lib/__init__.py',
    'cudnn/lib/libcudnn.so.9',
    'cudnn/lib/libcudnn.so',
    'cuda_nvcc/bin/ptxas',
  ]);
  const libraries = parameters.slice(parameters.indexOf('-Wl,--no-as-needed') + 1, -2);
  expect(libraries).toEqual(
    ['cublas/lib/libcublas.so.12', 'cudnn/lib/libcudnn.so.9'].map((name) => join(folder, 'deps/nvidia', name)),
  );
  for (const name of ['cublas', 'cudnn']) {
    expect(parameters).toContain(`-Wl,-rpath,$ORIGIN/../../deps/nvidia/${name}/lib`);
  }
});

shTest('an error of the compiler is reported with its first line', async () => {
  const folder = scratch();
  const script = 'echo "In file included from x:"; echo "a.cc:1: fatal error: b.h: no such file" >&2; exit 1';
  const compiler = program(join(folder, 'c++'), script);
  const got = 'a.cc:1: fatal error: b.h: no such file';
  await expect(compile({ compiler, include: '', modules: '', package: folder })).rejects.toMatchObject({
    op: compiler,
    got,
  });
});
