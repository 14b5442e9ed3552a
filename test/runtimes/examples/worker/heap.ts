/**
 * What a Worker holds, asked of V8 once all garbage is gone: to the byte, where resident memory is a guess.
 * Memories of WebAssembly are not in it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'undici';
import { ask } from './ask.js';
import type { Deployed } from './deployed.js';

/** A running Worker's own memory. */
export interface Heap {
  /** Objects and array buffers, in bytes. */
  readonly held: () => Promise<number>;
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
  // Miniflare runs Workers of its own beside ours.
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
    let answered = false;
    const answer = new Promise((resolve) => answers.set(id, resolve)).finally(() => {
      answered = true;
    });
    socket.send(JSON.stringify({ id, method }));
    // workerd handles the inspector only while it serves a request.
    const isWaiting = (): boolean => !answered;
    while (isWaiting()) await ask(url);
    return answer;
  };
  await call('HeapProfiler.enable');
  return {
    held: async () => {
      await call('HeapProfiler.collectGarbage');
      const { usedSize, backingStorageSize } = (await call('Runtime.getHeapUsage')) as Usage;
      return usedSize + backingStorageSize;
    },
    close: () => {
      socket.close();
    },
  };
}
