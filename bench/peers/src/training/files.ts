/** File names in the folder of the training, and how the batch is read. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MODELS } from '../paths.js';
import type { TrainingBatch } from './task.js';

export const FOLDER = join(MODELS, 'training');
export const WEIGHTS = 'network.safetensors';
export const IMAGES = 'images.f32';
export const TARGETS = 'targets.f32';
/** The reference's losses. */
export const EXPECTED = 'expected.json';

/** Number of losses to compare: those of the first step and of the fourth, which follows three updates. */
export const LOSS_COUNT = 4;

async function floats(path: string): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await readFile(path);
  // Copied, because the buffer that was read may not be aligned to 4 bytes.
  const values = new Float32Array(bytes.length / 4);
  new Uint8Array(values.buffer).set(bytes);
  return values;
}

export const readBatch = async (folder: string): Promise<TrainingBatch> => ({
  x: await floats(join(folder, IMAGES)),
  targets: await floats(join(folder, TARGETS)),
});
