/** A callback may return a promise: it is awaited, and its rejection is that of the call. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cutShards, loadModel, openShards } from '../../src/entries/index.js';
import { download, openDataset, readImageFolder } from '../../src/entries/node.js';
import { train } from '../../src/entries/train.js';
import { imageSetOf, TINY_TRAIN, WEIGHT_FILES } from '../fuzz/fixtures.js';
import { png } from '../fuzz/formats.js';
import { Random } from '../fuzz/random.js';

const CONTENT = new Uint8Array(1000);
const file = (): Uint8Array => WEIGHT_FILES[1].slice();

let folder: string;
let server: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callbacks-'));
  await mkdir(join(folder, 'images', 'train', 'cat'), { recursive: true });
  for (const name of ['1.png', '2.png']) await writeFile(join(folder, 'images', 'train', 'cat', name), png(9, 8));
  server = createServer((_, response) => response.end(CONTENT)).listen(0);
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

type Callback = () => Promise<void>;

function openInShards(onProgress: Callback): Promise<{ dispose(): void }> {
  const { index, shards } = cutShards(file(), { name: 'net', limit: 2000 });
  const open = (name: string): Uint8Array => shards.get(name) ?? new Uint8Array(0);
  return loadModel(openShards(index, open, { onProgress }));
}

async function trainOnce(onResumePoint: Callback): Promise<void> {
  const images = imageSetOf(new Random('callbacks'), 4);
  const recipe = { epochs: 1, batchSize: 2, optimizer: 'sgd', lr: 0.01, decayEpochs: 0, seed: 1 } as const;
  const run = train({ train: images, validation: images }, TINY_TRAIN, recipe, { onResumePoint });
  while ((await run.next()).done !== true);
}

const CALLS: readonly (readonly [name: string, call: (callback: Callback) => Promise<unknown>])[] = [
  [
    'loadModel: onProgress',
    async (onProgress) => {
      (await loadModel(file(), { onProgress })).dispose();
    },
  ],
  [
    'openShards: onProgress',
    async (onProgress) => {
      (await openInShards(onProgress)).dispose();
    },
  ],
  [
    'download: onProgress',
    async (onProgress) => {
      const path = join(folder, 'downloaded');
      await rm(path, { force: true });
      const md5 = createHash('md5').update(CONTENT).digest('hex');
      const url = `http://localhost:${(server.address() as AddressInfo).port}/`;
      return download({ url, md5 }, path, { onProgress });
    },
  ],
  [
    'readImageFolder: onProgress',
    (onProgress) => readImageFolder(join(folder, 'images'), { size: [8, 8], split: 'train', onProgress }),
  ],
  ['openDataset: onProgress', (onProgress) => openDataset(join(folder, 'images'), 'train', { onProgress })],
  ['train: onResumePoint', trainOnce],
];

/** Rejections that are not handled until the end of the turn after next. */
async function unhandled(call: () => Promise<unknown>): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const listen = (reason: unknown): void => void reasons.push(reason);
  process.on('unhandledRejection', listen);
  await call().catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 5));
  process.off('unhandledRejection', listen);
  return reasons;
}

describe.each(CALLS)('%s', (_, call) => {
  test('is awaited', async () => {
    let [open, most, calls] = [0, 0, 0];
    await call(async () => {
      calls++;
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 2));
      open--;
    });
    expect({ open, isCalled: calls > 0 }).toEqual({ open: 0, isCalled: true });
    // Images are read several at a time.
    if (!/image|dataset/i.test(_)) expect(most).toBe(1);
  });

  test('rejects the call, and nothing else', async () => {
    const reason = new Error('of the callback');
    const callback = (): Promise<void> => Promise.reject(reason);
    expect(await unhandled(() => call(callback))).toEqual([]);
    const error = (await call(callback).catch((cause: unknown) => cause)) as Error;
    expect([error.message, (error.cause as Error | undefined)?.message].join()).toContain('of the callback');
  });
});

test('what is no function is refused', async () => {
  const untyped = 5 as never;
  const images = imageSetOf(new Random('callbacks'), 4);
  const data = { train: images, validation: null };
  await expect(loadModel(file(), { onProgress: untyped })).rejects.toMatchObject({ op: 'onProgress' });
  for (const key of ['onResumePoint', 'openTrainer']) {
    expect(() => train(data, TINY_TRAIN, {}, { [key]: untyped })).toThrow(
      expect.objectContaining({ name: 'ParamError', op: key, expected: 'a function', got: '5' }),
    );
  }
  expect(() => train(data, TINY_TRAIN, {}, { acceptData: untyped })).toThrow(
    expect.objectContaining({ name: 'ParamError', op: 'acceptData', expected: 'true or false' }),
  );
});
