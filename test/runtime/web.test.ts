/** `startWorker` in a browser fulfills the contract in src/runtime/runtime.ts. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { resolveObjectURL } from 'node:buffer';
import { createContext, runInContext } from 'node:vm';
import { platform } from '../../src/runtime/web.js';

type Listener = (event: { readonly data?: unknown; readonly message?: string }) => void;

interface Scope {
  onmessage?: (event: { readonly data: unknown }) => void;
}

/** The parts of a browser's `Worker` that are used, on the thread of the test. */
class FakeWorker {
  static instances: FakeWorker[] = [];
  isClosed = false;
  readonly #listeners: [type: string, listener: Listener][] = [];
  readonly #scope: Promise<Scope>;

  constructor(url: string) {
    FakeWorker.instances.push(this);
    const blob = resolveObjectURL(url);
    if (blob === undefined) throw new Error('no such URL');
    this.#scope = blob.text().then((text) => {
      const scope = createContext({
        postMessage: (data: unknown) => {
          this.emit('message', { data });
        },
        close: () => (this.isClosed = true),
        setTimeout: (action: () => void) =>
          setTimeout(() => {
            this.#run(action);
          }, 0),
      });
      runInContext(text, scope);
      return scope;
    });
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push([type, listener]);
  }

  terminate(): void {
    this.isClosed = true;
  }

  postMessage(data: unknown): void {
    void this.#scope.then((scope) => {
      this.#run(() => scope.onmessage?.({ data }));
    });
  }

  /** Calls the listeners after the current script, as browsers do. */
  emit(type: string, event: Parameters<Listener>[0]): void {
    queueMicrotask(() => {
      for (const [each, listener] of this.#listeners) if (each === type) listener(event);
    });
  }

  #run(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.emit('error', { message: `Uncaught ${String(error)}` });
    }
  }
}

const scope = globalThis as { Worker?: unknown };
beforeEach(() => {
  FakeWorker.instances = [];
  scope.Worker = FakeWorker;
});
afterEach(() => {
  delete scope.Worker;
});

/** The events of a thread that runs a script: 'settled', and the argument of `ended`. */
async function run(script: string): Promise<{ events: unknown[]; worker: FakeWorker }> {
  const events: unknown[] = [];
  const { started } = platform.startWorker(script, { at: 5 }, (reason) => events.push(reason));
  await started.then(() => events.push('settled'));
  await new Promise((resolve) => setTimeout(resolve, 10));
  return { events, worker: FakeWorker.instances[0] };
}

describe('a thread', () => {
  test('that has begun resolves the promise', async () => {
    const { events, worker } = await run('begun(); return new Promise(() => undefined);');
    expect(events).toEqual(['settled']);
    expect(worker.isClosed).toBe(false);
  });

  test('that returns is reported without a reason', async () => {
    const { events, worker } = await run('begun(); await null;');
    expect(events).toEqual(['settled', null]);
    expect(worker.isClosed).toBe(true);
  });

  test('that returns before it has begun resolves the promise too', async () => {
    const { events, worker } = await run('return;');
    expect(events).toEqual([null, 'settled']);
    expect(worker.isClosed).toBe(true);
  });

  test.each([
    ['before it has begun', '', [expect.stringMatching(/Error: no 5$/), 'settled']],
    ['after it has begun', 'begun();', ['settled', expect.stringMatching(/Error: no 5$/)]],
  ])('that fails %s is reported with the reason', async (_, before, expected) => {
    const { events, worker } = await run(`${before} throw new Error('no ' + data.at);`);
    expect(events).toEqual(expected);
    expect(worker.isClosed).toBe(true);
  });

  test('is reported once, even after several errors', async () => {
    const { events, worker } = await run("begun(); await null; throw new Error('first');");
    worker.emit('error', { message: 'second' });
    worker.emit('message', { data: false });
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(events).toEqual(['settled', expect.stringMatching(/first$/)]);
  });

  test('can be ended while it runs', () => {
    const { terminate } = platform.startWorker('return new Promise(() => undefined);', null, () => undefined);
    terminate();
    expect(FakeWorker.instances[0].isClosed).toBe(true);
  });

  test('whose script is not loaded is reported', async () => {
    const events: unknown[] = [];
    const { started } = platform.startWorker('begun();', null, (reason) => events.push(reason));
    FakeWorker.instances[0].emit('error', {});
    await started;
    expect(events).toEqual(['a script that is not loaded']);
  });
});

describe('a turn of the event loop', () => {
  /** What happened before a timer of 0 ms that was set before the turn. */
  async function turn(): Promise<string[]> {
    const log: string[] = [];
    const timer = new Promise<void>((resolve) => {
      setTimeout(() => {
        log.push('timer');
        resolve();
      }, 0);
    });
    await Promise.all([platform.nextTurn().then(() => log.push('turn')), timer]);
    return log;
  }

  const channels = globalThis as { MessageChannel: unknown };
  const { MessageChannel } = channels;
  afterEach(() => {
    channels.MessageChannel = MessageChannel;
  });

  /** As in the edge runtime of Next.js. */
  function refused(): never {
    throw new Error('A Node.js API is used (MessageChannel) which is not supported in the Edge Runtime.');
  }

  test('is a timer at the edge, whether there are channels, none, or channels that throw', async () => {
    delete scope.Worker;
    for (const channel of [MessageChannel, undefined, refused]) {
      channels.MessageChannel = channel;
      expect(await turn()).toEqual(['timer', 'turn']);
    }
  });

  test('is a message in browsers, which do not delay it', async () => {
    let count = 0;
    const Original = MessageChannel as new () => object;
    channels.MessageChannel = class extends Original {
      constructor() {
        super();
        count++;
      }
    };
    expect((await turn()).sort()).toEqual(['timer', 'turn']);
    expect(count).toBe(1);
  });
});
