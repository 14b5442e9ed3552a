/**
 * The size of a Worker's heap after garbage collection, from V8's inspector. It is exact to the byte, unlike resident
 * memory, but does not include WebAssembly memories.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'undici';
import { ask } from './ask.js';
import type { Deployed } from './deployed.js';

/** The heap of a running Worker. */
export interface Heap {
  /** Objects and array buffers, in bytes. */
  readonly usedBytes: () => Promise<number>;
  readonly close: () => void;
}

interface Usage {
  readonly usedSize: number;
  readonly backingStorageSize: number;
}

export async function openHeap({ url, inspector }: Deployed): Promise<Heap> {
  const targets = (await (await fetch(`http://${inspector.host}/json`)).json()) as readonly {
    readonly id: string;
    readonly webSocketDebuggerUrl: string;
  }[];
  // Miniflare also runs internal Workers.
  const target = targets.find(({ id }) => id === 'core:user:');
  assert.ok(target !== undefined, 'no Worker to inspect');
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await once(socket, 'open');
  const answers = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id: number; result: unknown };
    answers.get(id)?.(result);
  });
  let calls = 0;
  const call = async (method: string): Promise<unknown> => {
    const id = ++calls;
    let isAnswered = false;
    const answer = new Promise((resolve) => answers.set(id, resolve)).finally(() => {
      isAnswered = true;
    });
    socket.send(JSON.stringify({ id, method }));
    // workerd handles the inspector only while it serves a request.
    const isWaiting = (): boolean => !isAnswered;
    while (isWaiting()) await ask(url);
    return answer;
  };
  await call('HeapProfiler.enable');
  return {
    usedBytes: async () => {
      await call('HeapProfiler.collectGarbage');
      const { usedSize, backingStorageSize } = (await call('Runtime.getHeapUsage')) as Usage;
      return usedSize + backingStorageSize;
    },
    close: () => {
      socket.close();
    },
  };
}
