import type { Runtime } from './runtime.js';

interface WorkerEvent {
  readonly data?: unknown;
  readonly message?: string;
}

/** The parts of a browser's vocabulary that are used here: `lib.dom` would let all of it into portable code. */
interface Web {
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly Blob: new (parts: readonly string[], options: { type: string }) => object;
  readonly URL: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void };
  readonly Worker: new (url: string) => {
    postMessage(data: unknown): void;
    addEventListener(type: 'message' | 'error', listener: (event: WorkerEvent) => void): void;
  };
  /** Workers at the edge may have none. */
  readonly MessageChannel?: new () => {
    readonly port1: { onmessage: () => void; close(): void };
    readonly port2: { postMessage(data: unknown): void };
  };
}

const web = globalThis as unknown as Web;

export const platform: Runtime = {
  parallelism: () => web.navigator?.hardwareConcurrency ?? 1,
  // Workers at the edge have none.
  hasWorkers: () => 'Worker' in globalThis,

  startWorker(script, data, ended) {
    // A thread that ends is not told of, so it says so itself: true when it has begun, false at its end. A promise
    // that is rejected there is no error here: it is thrown once more.
    const source = `const begun = () => postMessage(true);
const end = () => { postMessage(false); close(); };
onmessage = ({ data }) => {
(async () => {\n${script}\n})().then(end, (error) => setTimeout(() => { close(); throw error; }));
};`;
    const url = web.URL.createObjectURL(new web.Blob([source], { type: 'text/javascript' }));
    const worker = new web.Worker(url);
    return new Promise((resolve) => {
      let isOver = false;
      const end = (reason: string | null): void => {
        if (!isOver) ended(reason);
        isOver = true;
        resolve();
      };
      worker.addEventListener('message', ({ data: isBegun }) => {
        if (isBegun === true) resolve();
        else end(null);
      });
      worker.addEventListener('error', ({ message }) => {
        end(message ?? 'a script that is not loaded');
      });
      worker.postMessage(data);
      web.URL.revokeObjectURL(url);
    });
  },

  nextTurn: () =>
    new Promise((resolve) => {
      const { MessageChannel } = web;
      if (MessageChannel === undefined) {
        setTimeout(resolve);
        return;
      }
      // A page's timers in a row wait for 4 ms each, and for a second where nobody looks at it.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    }),

  readFile: null,
};
