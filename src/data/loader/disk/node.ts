import { createRequire } from 'node:module';
import { startThreads } from '../loaderThreads.js';
import type { Disk } from './disk.js';

export const disk: Disk = {
  startThreads: (count, data) => startThreads(createRequire(import.meta.url).resolve('#data/worker'), count, data),
  // On demand: the decoder takes a while to load, and images in memory do not need it.
  readers: () => import('../readFiles.js'),
};
