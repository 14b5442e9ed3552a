import type { Disk } from './disk.js';

export const disk: Disk = { startThreads: null, readers: null };
