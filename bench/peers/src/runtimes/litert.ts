/**
 * LiteRT.js, the successor of TensorFlow Lite. It is made for browsers, where a script loads its module; here Node
 * loads that script. LiteRT.js chooses its build itself (relaxed SIMD with or without threads, or neither).
 */
import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import type { Job, Opened } from '../job.js';
import { CHANNELS, LITERT_SCRIPTS, readImages, SIDE, tfliteFile } from '../models/files.js';
import { LITERT_WASM } from '../paths.js';

/**
 * Defines the globals of a browser worker that LiteRT.js uses: `self`, and `importScripts`, which defines
 * `ModuleFactory` with the options `Module`.
 *
 * @returns the .wasm files requested so far; the list grows with each request
 */
function actAsWorker(scripts: string): readonly string[] {
  const require = createRequire(import.meta.url);
  const requested: string[] = [];
  Object.assign(globalThis, {
    self: globalThis,
    importScripts: (url: string): void => {
      const script = `${basename(url, '.js')}.cjs`;
      Object.assign(globalThis, { ModuleFactory: require(join(scripts, script)) as unknown });
    },
    Module: {
      locateFile: (name: string): string => {
        const file = join(LITERT_WASM, name);
        requested.push(file);
        return file;
      },
    },
  });
  return requested;
}

export async function open({ models, batch, threads }: Job): Promise<Opened> {
  const binaries = actAsWorker(join(models, LITERT_SCRIPTS));
  await loadLiteRt(LITERT_WASM, { threads: threads > 1 });
  const model = await loadAndCompile(await readFile(join(models, tfliteFile(batch))), {
    accelerator: 'wasm',
    cpuOptions: { numThreads: threads },
  });
  const images = await readImages(models, 'nhwc', batch);
  const run = async (): Promise<Float32Array> => {
    const input = new Tensor(images, [batch, SIDE, SIDE, CHANNELS]);
    const [output] = await model.run(input);
    const logits = Float32Array.from(output.toTypedArray());
    input.delete();
    output.delete();
    return logits;
  };
  return { run, binaries };
}
