import { expect, jest, test } from '@jest/globals';
import sharp from 'sharp';
import { setImmediate } from 'node:timers/promises';
import { decodeImage } from '../../../src/data/decode/image.js';
import { MAX_DECODED_PIXELS, PixelBudget } from '../../../src/data/decode/pixelBudget.js';

/** Starts work of so many pixels each. @returns the names of what runs, and a function that ends one */
function start(budget: PixelBudget, pixels: Readonly<Record<string, number>>) {
  const running: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const results = Object.entries(pixels).map(([name, count]) =>
    budget.run(count, async () => {
      running.push(name);
      await new Promise<void>((resolve, reject) => {
        ends.set(name, (error) => {
          running.splice(running.indexOf(name), 1);
          if (error === undefined) resolve();
          else reject(error);
        });
      });
      return name;
    }),
  );
  const end = async (name: string, error?: Error): Promise<void> => {
    ends.get(name)?.(error);
    await setImmediate();
  };
  return { running, results, end };
}

test('work runs at the same time as long as its pixels fit, in the order of the calls', async () => {
  const { running, results, end } = start(new PixelBudget(10), { a: 4, b: 6, c: 5, d: 1, e: 5 });
  await setImmediate();
  expect(running).toEqual(['a', 'b']);
  // 5 pixels do not fit beside b, and d does not pass c.
  await end('a');
  expect(running).toEqual(['b']);
  await end('b');
  expect(running).toEqual(['c', 'd']);
  await end('d');
  expect(running).toEqual(['c', 'e']);
  await end('c');
  await end('e');
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('more pixels than the limit run alone', async () => {
  const { running, results, end } = start(new PixelBudget(10), { a: 1, b: 11, c: 1 });
  await setImmediate();
  expect(running).toEqual(['a']);
  await end('a');
  expect(running).toEqual(['b']);
  await end('b');
  expect(running).toEqual(['c']);
  await end('c');
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c']);
});

test('work that fails makes room for the next', async () => {
  const { running, results, end } = start(new PixelBudget(1), { a: 1, b: 1 });
  const [failed, next] = results;
  const refused = expect(failed).rejects.toThrow('damaged');
  await setImmediate();
  await end('a', new Error('damaged'));
  await refused;
  expect(running).toEqual(['b']);
  await end('b');
  expect(await next).toBe('b');
});

test('images are decoded within 100,000,000 pixels', async () => {
  expect(MAX_DECODED_PIXELS).toBe(100_000_000);
  const run = jest.spyOn(PixelBudget.prototype, 'run');
  const image = sharp({ create: { width: 5, height: 3, channels: 3, background: 'red' } });
  await decodeImage(await image.png().toBuffer(), 'x');
  expect(run.mock.calls.map(([pixels]) => pixels)).toEqual([15]);
  run.mockRestore();
});
