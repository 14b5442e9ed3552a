/**
 * LiteRT.js, TensorFlow Lite's successor. It is made for browsers, where it loads its
 * machine code by a script; here Node loads that script. Which build it takes (relaxed
 * SIMD with or without threads, or neither) is left to LiteRT.js.
 */
import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import type { Job, Opened } from '../job.js';
import { CHANNELS, LITERT_SCRIPTS, readImages, SIDE, tfliteFile } from '../models/files.js';
import { LITERT_WASM } from '../paths.js';

/**
 * Gives LiteRT.js what it expects of a browser's worker: `self`, and `importScripts`,
 * after which `ModuleFactory` is there and takes `Module` for its options.
 *
 * @returns the .wasm files that have been asked for, filled in as that happens
 */
function actAsWorker(scripts: string): readonly string[] {
  const require = createRequire(import.meta.url);
  const asked: string[] = [];
  Object.assign(globalThis, {
    self: globalThis,
    importScripts: (url: string): void => {
      const script = `${basename(url, '.js')}.cjs`;
      Object.assign(globalThis, { ModuleFactory: require(join(scripts, script)) as unknown });
    },
    Module: {
      locateFile: (name: string): string => {
        const file = join(LITERT_WASM, name);
        asked.push(file);
        return file;
      },
    },
  });
  return asked;
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
