import { decodeImage, readPixels } from './webImages.js';
import type { Runtime } from './runtime.js';

interface WorkerEvent {
  readonly data?: unknown;
  readonly message?: string;
}

/** The globals of browsers that are used here. `lib.dom` would allow all of them in portable code. */
interface Web {
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly Blob: new (parts: readonly string[], options: { type: string }) => object;
  readonly URL: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void };
  readonly Worker: new (url: string) => {
    postMessage(data: unknown): void;
    addEventListener(type: 'message' | 'error', listener: (event: WorkerEvent) => void): void;
    terminate(): void;
  };
  /** Missing in some edge runtimes. */
  readonly MessageChannel?: new () => {
    readonly port1: { onmessage: () => void; close(): void };
    readonly port2: { postMessage(data: unknown): void };
  };
}

const web = globalThis as unknown as Web;

/** No runtime at the edge has threads. */
const hasWorkers = (): boolean => 'Worker' in globalThis;

/** Some edge runtimes have no timers, or none outside of a request: there, the turn is left out. */
function waitForTimer(resolve: () => void): void {
  try {
    setTimeout(resolve);
  } catch {
    resolve();
  }
}

export const platform: Runtime = {
  parallelism: () => web.navigator?.hardwareConcurrency ?? 1,
  // Edge runtimes have no workers.
  hasWorkers,

  startWorker(script, data, ended) {
    // There is no event for the end of a worker, so the script sends true when it has begun and false at its end. A
    // rejection is rethrown from a timer, because only uncaught exceptions reach the `error` listener.
    const source = `const begun = () => postMessage(true);
const end = () => { postMessage(false); close(); };
onmessage = ({ data }) => {
(async () => {\n${script}\n})().then(end, (error) => setTimeout(() => { close(); throw error; }));
};`;
    const url = web.URL.createObjectURL(new web.Blob([source], { type: 'text/javascript' }));
    const worker = new web.Worker(url);
    const started = new Promise<void>((resolve) => {
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
    return {
      started,
      terminate() {
        worker.terminate();
      },
    };
  },

  nextTurn: () =>
    new Promise((resolve) => {
      // At the edge, a channel is missing, throws, or does not belong to a request.
      const { MessageChannel } = web;
      if (MessageChannel === undefined || !hasWorkers()) {
        waitForTimer(resolve);
        return;
      }
      // Nested timers of a page wait at least 4 ms, and a second in background tabs.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    }),

  readFile: null,

  decodeImage,
  readPixels,
};
