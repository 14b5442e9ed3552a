/** Ours: the built package. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadModel, type LoadModelOptions } from '../../../../dist/src/index.js';
import type { Job, Opened } from '../job.js';
import { readImages, WEIGHTS } from '../models/files.js';
import { ROOT } from '../paths.js';

/** As it will be when the package has threads; `unavailable` in ../candidates.ts asks whether it has. */
type Options = LoadModelOptions & { readonly threads?: number };

export async function open({ models, batch, threads }: Job): Promise<Opened> {
  const options: Options = threads > 1 ? { threads } : {};
  const model = await loadModel(await readFile(join(models, WEIGHTS)), options);
  const images = await readImages(models, 'nchw', batch);
  const wasm = join(ROOT, 'dist/wasm');
  const names = await readdir(wasm);
  return {
    run: async () => Float32Array.from(await model.forward(images, batch)),
    // Every build that is shipped, also the one that this machine does not choose.
    binaries: names.filter((name) => name.endsWith('.wasm')).map((name) => join(wasm, name)),
  };
}
