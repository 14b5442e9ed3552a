import type { Platform } from './platform.js';

/** The parts of a browser's vocabulary that are used here: `lib.dom` would let all of it into portable code. */
interface Web {
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly Blob: new (parts: readonly string[], options: { type: string }) => object;
  readonly URL: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void };
  readonly Worker: new (url: string) => { postMessage(data: unknown): void };
}

const web = globalThis as unknown as Web;

export const platform: Platform = {
  parallelism: () => web.navigator?.hardwareConcurrency ?? 1,
  // Workers at the edge have none.
  hasWorkers: () => 'Worker' in globalThis,

  startWorker(script, data) {
    const source = `onmessage = async ({ data }) => {\nawait (async () => {\n${script}\n})();\nclose();\n};`;
    const url = web.URL.createObjectURL(new web.Blob([source], { type: 'text/javascript' }));
    new web.Worker(url).postMessage(data);
    web.URL.revokeObjectURL(url);
  },

  readFile: null,
};
