/** ONNX Runtime's native library, for scale. */
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as ort from 'onnxruntime-node';
import type { Job, Opened } from '../job.js';
import { CHANNELS, ONNX, readImages, SIDE } from '../models/files.js';

export async function open({ models, batch, threads }: Job): Promise<Opened> {
  const session = await ort.InferenceSession.create(join(models, ONNX), {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const images = await readImages(models, 'nchw', batch);
  const run = async (): Promise<Float32Array> => {
    const { logits } = await session.run({ images: new ort.Tensor('float32', images, [batch, CHANNELS, SIDE, SIDE]) });
    return logits.data as Float32Array;
  };
  const main = createRequire(import.meta.url).resolve('onnxruntime-node');
  const folder = join(dirname(main), `../bin/napi-v6/${process.platform}/${process.arch}`);
  const names = await readdir(folder);
  return { run, binaries: names.map((name) => join(folder, name)) };
}
