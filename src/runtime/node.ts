import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../core/messageOf.js';
import { openFile } from '../io/openFile.js';
import type { Runtime } from './runtime.js';

/** Bytes per read: few system calls, and little memory. */
const CHUNK = 2 ** 20;

export const platform: Runtime = {
  parallelism: availableParallelism,
  hasWorkers: () => true,

  startWorker(script, data, ended) {
    const source = `const { parentPort, workerData: data } = require('node:worker_threads');
const begun = () => parentPort.postMessage(null);
(async () => {\n${script}\n})();`;
    // Without the flags of the parent, whose loaders would only slow the script down.
    const worker = new Worker(source, { eval: true, workerData: data, execArgv: [] });
    let reason: string | null = null;
    const started = new Promise<void>((resolve) => {
      worker.once('message', () => {
        worker.unref();
        resolve();
      });
      // Without a listener, an error in the thread ends the process.
      worker.on('error', (error: unknown) => {
        reason = messageOf(error);
      });
      worker.once('exit', () => {
        ended(reason);
        resolve();
      });
    });
    return { started, terminate: () => void worker.terminate() };
  },

  nextTurn: () => setImmediate(),

  async *readFile(location, onSize) {
    const { file, size } = await openFile(location);
    try {
      onSize(size);
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

  async decodeImage(bytes, _format, name) {
    // Loaded when it is needed, because sharp is optional and large.
    const { decodeImage } = await import('../data/decode/image.js');
    return decodeImage(bytes, name);
  },

  readPixels: null,
};
