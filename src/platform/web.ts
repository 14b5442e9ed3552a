import type { Platform } from './platform.js';

/** The parts of a browser's vocabulary that are used here: `lib.dom` would let all of it into portable code. */
interface Web {
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly Blob: new (parts: readonly string[], options: { type: string }) => object;
  readonly URL: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void };
  readonly Worker: new (url: string) => {
    postMessage(data: unknown): void;
    addEventListener(type: 'message' | 'error', listener: (event: { readonly message?: string }) => void): void;
  };
}

const web = globalThis as unknown as Web;

export const platform: Platform = {
  parallelism: () => web.navigator?.hardwareConcurrency ?? 1,
  // Workers at the edge have none.
  hasWorkers: () => 'Worker' in globalThis,

  startWorker(script, data, ended) {
    // A promise that is rejected there is no error here: it is thrown once more.
    const source = `const begun = () => postMessage(null);
onmessage = ({ data }) => {
(async () => {\n${script}\n})().then(close, (error) => setTimeout(() => { close(); throw error; }));
};`;
    const url = web.URL.createObjectURL(new web.Blob([source], { type: 'text/javascript' }));
    const worker = new web.Worker(url);
    return new Promise((resolve) => {
      worker.addEventListener('message', () => {
        resolve();
      });
      worker.addEventListener('error', ({ message }) => {
        ended(message ?? 'a script that is not loaded');
        resolve();
      });
      worker.postMessage(data);
      web.URL.revokeObjectURL(url);
    });
  },

  readFile: null,
};
