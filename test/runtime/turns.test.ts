import { afterEach, expect, jest, test } from '@jest/globals';
import { platform } from '../../src/runtime/node.js';
import { createJobQueue } from '../../src/runtime/turns.js';

afterEach(() => {
  jest.restoreAllMocks();
});

/** Adds three jobs, the first of which never ends. @returns those that have begun after a while */
async function begun(limit?: number): Promise<string[]> {
  const log: string[] = [];
  const queue = createJobQueue(limit);
  for (const name of 'abc') {
    void queue.add(() => {
      log.push(name);
      return name === 'a' ? new Promise<never>(() => undefined) : Promise.resolve(name);
    });
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  return log;
}

test('jobs wait for those before them', async () => {
  expect(await begun()).toEqual(['a']);
  expect(await begun(2)).toEqual(['a', 'b', 'c']);
});

test('at the edge, a job does not wait for one that the runtime has dropped', async () => {
  jest.spyOn(platform, 'hasWorkers').mockReturnValue(false);
  expect(await begun()).toEqual(['a', 'b', 'c']);
  expect(await begun(2)).toEqual(['a', 'b', 'c']);
});
