/** A thread of a browser's, by what the team is told of it: see the contract in src/runtime/runtime.ts. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { resolveObjectURL } from 'node:buffer';
import { createContext, runInContext } from 'node:vm';
import { platform } from '../../src/runtime/web.js';

type Listener = (event: { readonly data?: unknown; readonly message?: string }) => void;

interface Scope {
  onmessage?: (event: { readonly data: unknown }) => void;
}

/** As much of a browser's worker as is used, on no thread of its own. */
class FakeWorker {
  static made: FakeWorker[] = [];
  isClosed = false;
  readonly #listeners: [type: string, listener: Listener][] = [];
  readonly #scope: Promise<Scope>;

  constructor(url: string) {
    FakeWorker.made.push(this);
    const blob = resolveObjectURL(url);
    if (blob === undefined) throw new Error('no such URL');
    this.#scope = blob.text().then((text) => {
      const scope = createContext({
        postMessage: (data: unknown) => {
          this.tell('message', { data });
        },
        close: () => (this.isClosed = true),
        setTimeout: (act: () => void) =>
          setTimeout(() => {
            this.#run(act);
          }, 0),
      });
      runInContext(text, scope);
      return scope;
    });
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push([type, listener]);
  }

  postMessage(data: unknown): void {
    void this.#scope.then((scope) => {
      this.#run(() => scope.onmessage?.({ data }));
    });
  }

  /** As a browser does it: never while the script that causes it still runs. */
  tell(type: string, event: Parameters<Listener>[0]): void {
    queueMicrotask(() => {
      for (const [each, listener] of this.#listeners) if (each === type) listener(event);
    });
  }

  #run(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.tell('error', { message: `Uncaught ${String(error)}` });
    }
  }
}

const scope = globalThis as { Worker?: unknown };
beforeEach(() => {
  FakeWorker.made = [];
  scope.Worker = FakeWorker;
});
afterEach(() => {
  delete scope.Worker;
});

/** What is told of a thread that runs a script, in its order. */
async function told(script: string): Promise<{ told: unknown[]; worker: FakeWorker }> {
  const told: unknown[] = [];
  const started = platform.startWorker(script, { at: 5 }, (reason) => told.push(reason));
  await started.then(() => told.push('settled'));
  await new Promise((resolve) => setTimeout(resolve, 10));
  return { told, worker: FakeWorker.made[0] };
}

describe('a thread', () => {
  test('that has begun and goes on', async () => {
    const { told: all, worker } = await told('begun(); return new Promise(() => undefined);');
    expect(all).toEqual(['settled']);
    expect(worker.isClosed).toBe(false);
  });

  test('that has returned', async () => {
    const { told: all, worker } = await told('begun(); await null;');
    expect(all).toEqual(['settled', null]);
    expect(worker.isClosed).toBe(true);
  });

  test('that returns before it has begun', async () => {
    const { told: all, worker } = await told('return;');
    expect(all).toEqual([null, 'settled']);
    expect(worker.isClosed).toBe(true);
  });

  test.each([
    ['before it has begun', '', [expect.stringMatching(/Error: no 5$/), 'settled']],
    ['after', 'begun();', ['settled', expect.stringMatching(/Error: no 5$/)]],
  ])('that fails %s', async (_, before, expected) => {
    const { told: all, worker } = await told(`${before} throw new Error('no ' + data.at);`);
    expect(all).toEqual(expected);
    expect(worker.isClosed).toBe(true);
  });

  test('ends once, however many errors are told of it', async () => {
    const { told: all, worker } = await told("begun(); await null; throw new Error('first');");
    worker.tell('error', { message: 'second' });
    worker.tell('message', { data: false });
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(all).toEqual(['settled', expect.stringMatching(/first$/)]);
  });

  test('whose script does not come', async () => {
    const all: unknown[] = [];
    const started = platform.startWorker('begun();', null, (reason) => all.push(reason));
    FakeWorker.made[0].tell('error', {});
    await started;
    expect(all).toEqual(['a script that is not loaded']);
  });
});
