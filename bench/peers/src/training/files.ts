/** Names in the folder of the training, for those who write and those who read. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MODELS } from '../paths.js';
import type { TrainingBatch } from './task.js';

export const FOLDER = join(MODELS, 'training');
export const WEIGHTS = 'network.safetensors';
export const IMAGES = 'images.f32';
export const TARGETS = 'targets.f32';
/** The float64 oracle's losses. */
export const EXPECTED = 'expected.json';

/** Losses that are compared: that of the first step, and after three of them. */
export const TOLD = 4;

async function floats(path: string): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await readFile(path);
  // Copied: what was read need not begin where a float32 may.
  const values = new Float32Array(bytes.length / 4);
  new Uint8Array(values.buffer).set(bytes);
  return values;
}

export const readBatch = async (folder: string): Promise<TrainingBatch> => ({
  x: await floats(join(folder, IMAGES)),
  targets: await floats(join(folder, TARGETS)),
});
