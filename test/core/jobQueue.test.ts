import { describe, expect, jest, test } from '@jest/globals';
import { JobQueue } from '../../src/core/jobQueue.js';

/** A promise that is settled from outside. */
function deferred<T>() {
  const settle: { resolve?: (value: T) => void; reject?: (error: Error) => void } = {};
  const promise = new Promise<T>((resolve, reject) => {
    Object.assign(settle, { resolve, reject });
  });
  return { promise, resolve: (value: T) => settle.resolve?.(value), reject: (error: Error) => settle.reject?.(error) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('jobs', () => {
  test('run in their order, the first at once', async () => {
    const log: string[] = [];
    const queue = new JobQueue(() => Promise.resolve());
    const first = deferred<number>();
    const add = (name: string, answer: Promise<number>): Promise<number> =>
      queue.add(() => {
        log.push(name);
        return answer;
      });
    expect(queue.isIdle).toBe(true);
    const answers = [add('a', first.promise), add('b', Promise.resolve(2)), add('c', Promise.resolve(3))];
    expect(queue.isIdle).toBe(false);
    expect(log).toEqual(['a']);
    await turn();
    expect(log).toEqual(['a']);
    first.resolve(1);
    expect(await Promise.all(answers)).toEqual([1, 2, 3]);
    expect(log).toEqual(['a', 'b', 'c']);
    await turn();
    expect(queue.isIdle).toBe(true);
  });

  test('run a few at a time with a limit, in their order', async () => {
    const log: string[] = [];
    const queue = new JobQueue(() => Promise.resolve(), 2);
    const jobs = Array.from('abcd', (name) => ({ name, ...deferred<string>() }));
    const answers = jobs.map(({ name, promise }) =>
      queue.add(() => {
        log.push(name);
        return promise;
      }),
    );
    expect(log).toEqual(['a', 'b']);
    expect(queue.isIdle).toBe(false);
    jobs[1].resolve('B');
    expect(await answers[1]).toBe('B');
    await turn();
    expect(log).toEqual(['a', 'b', 'c']);
    jobs[2].reject(new Error('C'));
    await expect(answers[2]).rejects.toThrow('C');
    await turn();
    expect(log).toEqual(['a', 'b', 'c', 'd']);
    expect(queue.isIdle).toBe(false);
    jobs[0].resolve('A');
    await answers[0];
    await turn();
    expect(queue.isIdle).toBe(true);
    jobs[3].resolve('D');
    await answers[3];
    await turn();
    expect(log).toHaveLength(4);
  });

  test('give a turn after each, before the answer', async () => {
    const turns = deferred<undefined>();
    const giveTurn = jest.fn(() => turns.promise);
    const queue = new JobQueue(giveTurn);
    const log: unknown[] = [];
    const answers = ['a', 'b'].map(async (name) => log.push(await queue.add(() => Promise.resolve(name))));
    await turn();
    expect(giveTurn).toHaveBeenCalledTimes(1);
    expect(log).toEqual([]);
    turns.resolve(undefined);
    await Promise.all(answers);
    expect(log).toEqual(['a', 'b']);
    expect(giveTurn).toHaveBeenCalledTimes(2);
  });

  test('may fail, with an error that they throw or reject with; the next one runs', async () => {
    const queue = new JobQueue(() => Promise.resolve());
    const thrown = queue.add(() => {
      throw new Error('thrown');
    });
    const rejected = queue.add(() => Promise.reject(new Error('rejected')));
    const next = queue.add(() => Promise.resolve(5));
    await expect(thrown).rejects.toThrow('thrown');
    await expect(rejected).rejects.toThrow('rejected');
    expect(await next).toBe(5);
  });
});

describe('an aborted job', () => {
  const open = () => {
    const queue = new JobQueue(() => Promise.resolve());
    const busy = deferred<number>();
    return { queue, busy, first: queue.add(() => busy.promise) };
  };

  test('that waits is removed, and rejects at once', async () => {
    const { queue, busy, first } = open();
    const controller = new AbortController();
    const job = jest.fn(() => Promise.resolve(2));
    const second = queue.add(job, controller.signal);
    const third = queue.add(() => Promise.resolve(3));
    const reason = { why: 'enough' };
    controller.abort(reason);
    await expect(second).rejects.toBe(reason);
    busy.resolve(1);
    expect(await Promise.all([first, third])).toEqual([1, 3]);
    expect(job).not.toHaveBeenCalled();
  });

  test('that runs rejects at once; the next one waits for its end', async () => {
    const queue = new JobQueue(() => Promise.resolve());
    const busy = deferred<number>();
    const controller = new AbortController();
    const first = queue.add(() => busy.promise, controller.signal);
    const job = jest.fn(() => Promise.resolve(2));
    const second = queue.add(job);
    controller.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    await turn();
    expect(job).not.toHaveBeenCalled();
    busy.reject(new Error('not seen'));
    expect(await second).toBe(2);
  });

  test('that was aborted before does not run', async () => {
    const { queue, busy, first } = open();
    const job = jest.fn(() => Promise.resolve(2));
    await expect(queue.add(job, AbortSignal.abort('early'))).rejects.toBe('early');
    busy.resolve(1);
    await first;
    await expect(queue.add(job, AbortSignal.abort('early'))).rejects.toBe('early');
    expect(job).not.toHaveBeenCalled();
    expect(await queue.add(() => Promise.resolve(4))).toBe(4);
  });

  test('leaves no listener, whatever its end', async () => {
    const { queue, busy, first } = open();
    const { signal } = new AbortController();
    const [added, removed] = [jest.spyOn(signal, 'addEventListener'), jest.spyOn(signal, 'removeEventListener')];
    const ends = Promise.allSettled([
      queue.add(() => Promise.resolve(2), signal),
      queue.add(() => Promise.reject(new Error('fails')), signal),
    ]);
    // Calls share one.
    expect(added).toHaveBeenCalledTimes(1);
    busy.resolve(1);
    await first;
    expect((await ends).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(
      added.mock.calls.map(([, listener]) => listener),
    );
  });
});
