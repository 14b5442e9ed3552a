/** What the rounds leave behind: linear memories, threads, handles and bytes. */
import { syncBuiltinESMExports } from 'node:module';
import threading from 'node:worker_threads';

let [created, collected, started, ended] = [0, 0, 0, 0];

/** The threads that are running. */
export const running = new Set<threading.Worker>();

interface WasmInstance {
  readonly exports: { readonly memory?: object };
}

interface Wasm {
  Memory: new (descriptor: object) => object;
  Instance: new (module: object, imports?: object) => WasmInstance;
  instantiate: (module: unknown, imports?: object) => Promise<WasmInstance | { readonly instance: WasmInstance }>;
}

/** Counts memories and threads from now on. To be called before any is made. */
export function watch(): void {
  const registry = new FinalizationRegistry(() => collected++);
  const known = new WeakSet();
  const note = (memory: object | undefined): void => {
    if (memory === undefined || known.has(memory)) return;
    known.add(memory);
    created++;
    registry.register(memory, undefined);
  };
  const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: Wasm };
  const { Memory, instantiate } = wasm;
  wasm.Memory = class extends Memory {
    constructor(descriptor: object) {
      super(descriptor);
      note(this);
    }
  };
  wasm.instantiate = async (module, imports) => {
    const result = await instantiate(module, imports);
    note(('instance' in result ? result.instance : result).exports.memory);
    return result;
  };
  const { Worker } = threading;
  threading.Worker = class extends Worker {
    constructor(...parameters: ConstructorParameters<typeof Worker>) {
      super(...parameters);
      started++;
      running.add(this);
      this.on('exit', () => {
        ended++;
        running.delete(this);
      });
    }
  };
  syncBuiltinESMExports();
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

export interface Usage {
  /** Linear memories that have not been collected. */
  readonly memories: number;
  readonly threads: number;
  /** Handles that keep the process alive, such as sockets and timers. */
  readonly handles: number;
  /** Bytes on the heap and in buffers, linear memories included. */
  readonly bytes: number;
}

/** The resources in use after garbage collection, which may take several runs. */
export async function usage(): Promise<Usage> {
  for (let i = 0; i < 20 && (started > ended || created > collected || i < 3); i++) {
    globalThis.gc?.();
    await pause(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  const handles = process.getActiveResourcesInfo().filter((kind) => !/^(Pipe|TTY|FS)/.test(kind));
  return {
    memories: created - collected,
    threads: started - ended,
    handles: handles.length,
    bytes: heapUsed + external,
  };
}
