import { createRequire } from 'node:module';
import { startThreads } from '../loaderThreads.js';
import type { Disk } from './disk.js';

export const disk: Disk = {
  startThreads: (count, data) => startThreads(createRequire(import.meta.url).resolve('#data/worker'), count, data),
  // What decodes takes a moment to load: who has the images in memory does without.
  readers: () => import('../readFiles.js'),
};
