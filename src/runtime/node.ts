import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../core/messageOf.js';
import type { Runtime } from './runtime.js';

/** Bytes of a read: few system calls, and little memory beside the weights. */
const CHUNK = 2 ** 20;

export const platform: Runtime = {
  parallelism: availableParallelism,
  hasWorkers: () => true,

  startWorker(script, data, ended) {
    const source = `const { parentPort, workerData: data } = require('node:worker_threads');
const begun = () => parentPort.postMessage(null);
(async () => {\n${script}\n})();`;
    // Not the parent's flags: its loaders are of no use to the script, and slow.
    const worker = new Worker(source, { eval: true, workerData: data, execArgv: [] });
    let reason: string | null = null;
    return new Promise((resolve) => {
      worker.once('message', () => {
        worker.unref();
        resolve();
      });
      // Without a listener a thread that fails takes the process with it.
      worker.on('error', (error: unknown) => {
        reason = messageOf(error);
      });
      worker.once('exit', () => {
        ended(reason);
        resolve();
      });
    });
  },

  nextTurn: () => setImmediate(),

  async *readFile(location) {
    const file = await open(location.startsWith('file:') ? new URL(location) : location);
    try {
      const chunk = new Uint8Array(CHUNK);
      for (;;) {
        const { bytesRead } = await file.read(chunk);
        if (bytesRead === 0) return;
        yield chunk.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  },
};
