/** This package, as built. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job, Opened } from '../job.js';
import { readImages, WEIGHTS } from '../models/files.js';
import { ROOT } from '../paths.js';

/** The entry that Node resolves from the package's name. */
const { loadModel } = (await import(
  join(ROOT, 'dist/node/index.js')
)) as typeof import('../../../../dist/src/entries/index.js');

export async function open({ models, batch, threads }: Job): Promise<Opened> {
  const model = await loadModel(join(models, WEIGHTS), { threads });
  const images = await readImages(models, 'nchw', batch);
  const wasm = join(ROOT, 'dist/wasm');
  const names = await readdir(wasm);
  return {
    run: async () => Float32Array.from(await model.forward(images, batch)),
    // All shipped builds, including those that this machine does not use.
    binaries: names
      .filter((name) => name.endsWith('.wasm') && !name.startsWith('train-'))
      .map((name) => join(wasm, name)),
  };
}
