/** Unpacks wheels of a few bytes. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CPU, GPU } from '../../scripts/tfjsNode/flavor.js';
import { findLibtensorflow } from '../../scripts/tfjsNode/libtensorflow.js';
import { onPath } from '../../scripts/tfjsNode/onPath.js';
import type { SetupError } from '../../scripts/tfjsNode/setupError.js';
import { unpackCuda, unpackTensorflow } from '../../scripts/tfjsNode/wheel.js';
import { file, library, OWN, removeScratch, scratch } from './scratch.js';
import { zip } from './zip.js';

afterAll(removeScratch);

const python = onPath(['python3', 'python'], process.env);
if (python === undefined) console.log('SKIPPED wheels: no Python');

const header = Buffer.from('#pragma once\n');
const WHEEL = {
  'tensorflow/__init__.py': Buffer.from('import this\n'),
  'tensorflow/include/tensorflow/c/eager/c_api.h': header,
  'tensorflow/include/tensorflow/ops.inc': header,
  'tensorflow/libtensorflow_cc.so.2': library(OWN),
  'tensorflow/libtensorflow_framework.so.2': library(OWN),
};

const wheel = (files: Readonly<Record<string, Uint8Array>>, name = 'tensorflow_cpu-2.21.0-cp311.whl'): string =>
  file(join(scratch(), name), zip(files));

test('a CPU wheel is refused for CUDA', async () => {
  const refusal = { expected: 'the wheel with CUDA, tensorflow', got: 'tensorflow-cpu' };
  await expect(unpackTensorflow('', wheel(WHEEL), scratch(), GPU)).rejects.toMatchObject(refusal);
});

(python === undefined ? describe.skip : describe)('with Python', () => {
  const interpreter = python ?? '';

  test('the libraries and headers are unpacked, and nothing else', async () => {
    const folder = await unpackTensorflow(interpreter, wheel(WHEEL), scratch(), CPU);
    const { library: path } = await findLibtensorflow(folder);
    expect(readFileSync(path)).toEqual(Buffer.from(library(OWN)));
    expect(existsSync(join(folder, '__init__.py'))).toBe(false);
    expect(existsSync(join(folder, 'include/tensorflow/ops.inc'))).toBe(false);
  });

  test('a wheel of another system, a damaged wheel, and another file are distinguished', async () => {
    const { 'tensorflow/libtensorflow_cc.so.2': _, 'tensorflow/libtensorflow_framework.so.2': __, ...mac } = WHEEL;
    const damaged = wheel(WHEEL);
    const bytes = readFileSync(damaged);
    // A byte within the zeros of the library.
    bytes[bytes.indexOf('\x7fELF') + 40] ^= 1;
    file(damaged, bytes);
    const text = file(join(scratch(), 'tensorflow_cpu.whl'), 'a page that says 404');
    const got = await Promise.all(
      [wheel(mac), damaged, text].map((path) =>
        unpackTensorflow(interpreter, path, scratch(), CPU).catch((error: unknown) => (error as SetupError).got),
      ),
    );
    expect(got[0]).toBe('none of tensorflow/libtensorflow_*.so.*');
    expect(got[1]).toMatch(/^error: Bad CRC-32/);
    expect(got[2]).toBe('error: File is not a zip file');
  });

  test("the libraries of NVIDIA's wheels are unpacked", async () => {
    const folder = scratch();
    const files = { 'nvidia/cudnn/lib/libcudnn.so.9': library(OWN), 'nvidia/cudnn/include/cudnn.h': header };
    await unpackCuda(interpreter, wheel(files, 'nvidia_cudnn_cu12.whl'), folder);
    expect(existsSync(join(folder, 'nvidia/cudnn/lib/libcudnn.so.9'))).toBe(true);
    expect(existsSync(join(folder, 'nvidia/cudnn/include'))).toBe(false);
    const text = file(join(scratch(), 'nvidia_nccl_cu12.whl'), 'a page that says 404');
    await expect(unpackCuda(interpreter, text, folder)).rejects.toMatchObject({ op: text });
  });
});
