/** onnxruntime-web's WebAssembly: one build, with SIMD, for any number of threads. */
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import type { Job, Opened } from '../job.js';
import { CHANNELS, ONNX, readImages, SIDE } from '../models/files.js';

export async function open({ models, batch, threads }: Job): Promise<Opened> {
  ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(await readFile(join(models, ONNX)), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  const images = await readImages(models, 'nchw', batch);
  const run = async (): Promise<Float32Array> => {
    const { logits } = await session.run({ images: new ort.Tensor('float32', images, [batch, CHANNELS, SIDE, SIDE]) });
    return logits.data as Float32Array;
  };
  const binary = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');
  return { run, binaries: [binary] };
}
