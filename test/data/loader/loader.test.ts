import { afterEach, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DataError, ParamError } from '../../../src/core/errors.js';
import type { ImageSet, StreamedSet } from '../../../src/data/sets/dataset.js';
import { disk } from '../../../src/data/loader/disk/node.js';
import { disk as webDisk } from '../../../src/data/loader/disk/web.js';
import { openLoader, type Loader, type LoaderOptions } from '../../../src/data/loader/loader.js';
import { startThreads, type ThreadData } from '../../../src/data/loader/loaderThreads.js';
import { batchOf } from '../../../src/data/sets/batchOf.js';
import { scaleSet } from '../../../src/data/sets/scaleSet.js';
import { drawShapes } from '../../../src/data/sets/shapes.js';
import { resolveFit } from '../../../src/image/preprocess.js';
import { permutation } from '../../../src/data/loader/permutation.js';
import { refusal } from '../../io/refusal.js';
import { collect } from '../collect.js';

const set = drawShapes(26, { seed: 1, size: 16 });
const OPTIONS: LoaderOptions = {
  batchSize: 4,
  seed: 7,
  mean: [0.5, 0.4, 0.3],
  std: [0.2, 0.3, 0.4],
  smoothing: 0.1,
};
const { mean, std } = OPTIONS;
/** All transforms, so that random numbers in another order change the result. */
const ALL: Partial<LoaderOptions> = {
  inputSize: [12, 20],
  augment: {
    randomResizedCrop: {},
    colorJitter: { brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.1 },
    horizontalFlip: 0.5,
    rotation: 20,
    randAugment: { interpolation: 'random' },
    randomErasing: { prob: 0.5, mode: 'pixel' },
  },
  mixup: 0.8,
  cutmix: 1,
};

const ownDisk = { ...disk };
const open: Loader[] = [];
async function loaderOf(options: Partial<LoaderOptions> = {}, of: ImageSet = set): Promise<Loader> {
  const loader = await openLoader(of, { ...OPTIONS, ...options });
  open.push(loader);
  return loader;
}
afterEach(async () => {
  jest.restoreAllMocks();
  Object.assign(disk, ownDisk);
  await Promise.all(open.splice(0).map((loader) => loader.dispose()));
});

test('yields the same bits with 0, 1 and 2 threads, from any step', async () => {
  const [none, one, two] = await Promise.all([0, 1, 2].map((workers) => loaderOf({ ...ALL, workers })));
  const first = await collect(none.epoch(0));
  expect(first).toHaveLength(6);
  expect(first[0].x).toHaveLength(4 * 3 * 12 * 20);
  for (const loader of [one, two]) {
    expect(await collect(loader.epoch(0))).toEqual(first);
    const third = await collect(loader.epoch(3));
    expect(await collect(none.epoch(3))).toEqual(third);
    expect(third).not.toEqual(first);
    expect(await collect(loader.epoch(0, 4))).toEqual(first.slice(4));
    expect(await collect(loader.epoch(0, 6))).toEqual([]);
  }
  expect(await collect(none.epoch(0, 1))).toEqual(first.slice(1));
});

test('without augmentation, yields every image once, in shuffled order, normalized', async () => {
  for (const workers of [0, 1]) {
    const loader = await loaderOf({ workers, dropLast: false });
    expect(loader.steps).toBe(7);
    const batches = await collect(loader.epoch(5));
    const order = permutation(26, 7, 5);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 26 }, (_, i) => i));
    expect(batches.map(({ labels }) => labels.length)).toEqual([4, 4, 4, 4, 4, 4, 2]);
    batches.forEach(({ x, labels, targets }, step) => {
      const positions = order.subarray(4 * step, 4 * step + 4);
      expect(x).toEqual(batchOf(set, positions, { mean, std }));
      expect([...labels]).toEqual(Array.from(positions, (i) => set.labels[i]));
      const shares = Array.from(labels, (label) => Array.from({ length: 10 }, (_, c) => (c === label ? 0.91 : 0.01)));
      expect(targets).toEqual(Float32Array.from(shares.flat()));
    });
  }
  const straight = await collect((await loaderOf({ workers: 0, shuffle: false })).epoch(0));
  expect(straight.flatMap(({ labels }) => [...labels])).toEqual([...set.labels.subarray(0, 24)]);
});

test('the time that was waited is part of the time that passed', async () => {
  const start = performance.now();
  const loader = await loaderOf({ workers: 0 });
  expect(loader.waited).toBe(0);
  await collect(loader.epoch(0));
  expect(loader.waited).toBeGreaterThan(0);
  expect(loader.waited).toBeLessThanOrEqual(performance.now() - start);
});

test('without threads, no memory is shared', async () => {
  const shared = jest.spyOn(globalThis, 'SharedArrayBuffer');
  expect(await collect((await loaderOf({ workers: 0 })).epoch(0))).toHaveLength(6);
  expect(shared).not.toHaveBeenCalled();
});

test('a runtime without threads or files says so', async () => {
  expect(webDisk).toStrictEqual({ startThreads: null, readers: null });
  Object.assign(disk, { startThreads: webDisk.startThreads });
  await expect(loaderOf({ workers: 1 })).rejects.toMatchObject({
    message: 'workers: expected 0, as this runtime has no threads for images, got 1',
    hint: 'Pass { workers: 0 }.',
  });
  expect((await loaderOf({ workers: 0 })).steps).toBe(6);
  Object.assign(disk, webDisk);
  const { images: _, ...about } = set;
  const names = Array.from({ length: set.n }, (__, i) => `${i}.png`);
  const streamed: StreamedSet = { ...about, files: { root: 'pets', names, fit: { size: [16, 16] } } };
  await expect(openLoader(streamed, { ...OPTIONS, workers: 0 })).rejects.toMatchObject({
    ...{ name: 'ParamError', hint: 'Read them in Node first: loadSubset.' },
    message: 'files: expected images in memory, as this runtime reads no files, got pets',
  });
});

test('mixed targets sum to 1, and are those of the images and their partners', async () => {
  const loader = await loaderOf({ workers: 0, cutmix: 1, smoothing: 0 });
  for (const { x, targets, labels } of await collect(loader.epoch(0))) {
    expect(x.every(Number.isFinite)).toBe(true);
    for (let i = 0; i < 4; i++) {
      const row = targets.subarray(10 * i, 10 * i + 10);
      expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
      expect(row.every((share, c) => share === 0 || c === labels[i] || c === labels[3 - i])).toBe(true);
    }
  }
});

test('loads gray images and scaled images', async () => {
  const gray: ImageSet = { ...set, images: set.images.subarray(0, 26 * 256), channels: 1 };
  const options = { mean: [0.5], std: [0.5], workers: 0, augment: { randomCrop: { padding: 2 }, rotation: 9 } };
  expect((await collect((await loaderOf(options, gray)).epoch(0)))[0].x).toHaveLength(4 * 256);
  const large = await loaderOf({ workers: 0, inputSize: [24, 24] });
  expect((await collect(large.epoch(0)))[0].x).toHaveLength(4 * 3 * 576);
});

test('scales and crops images by `fit`', async () => {
  const size = [12, 10] as const;
  for (const fitting of [{ crop_pct: 0.6, interpolation: 'box' }, { crop_pct: 0.5 }, { resize: 'exact' }] as const) {
    const options = { workers: 0, shuffle: false, inputSize: size, fit: fitting };
    const [{ x }] = await collect((await loaderOf(options)).epoch(0));
    expect(x).toEqual(batchOf(scaleSet(set, resolveFit({ size, ...fitting })), [0, 1, 2, 3], { mean, std }));
  }
  // By default each side by its own factor, as torchvision's Resize with two sides; bilinear.
  const [{ x }] = await collect((await loaderOf({ workers: 0, shuffle: false, inputSize: size })).epoch(0));
  const exact = scaleSet(set, { size, resize: 'exact', interpolation: 'bilinear', crop_pct: 1 });
  expect(x).toEqual(batchOf(exact, [0, 1, 2, 3], { mean, std }));
});

test('crops images of the right size, too', async () => {
  const [{ x }] = await collect((await loaderOf({ workers: 0, shuffle: false, fit: { crop_pct: 0.5 } })).epoch(0));
  const cropped = scaleSet(set, resolveFit({ size: [16, 16], crop_pct: 0.5 }));
  expect(cropped.images).not.toEqual(set.images);
  expect(x).toEqual(batchOf(cropped, [0, 1, 2, 3], { mean, std }));
});

test('refuses to crop images that are not RGB, and unknown options', async () => {
  const gray: ImageSet = { ...set, images: set.images.subarray(0, 26 * 256), channels: 1 };
  const options = { mean: [0.5], std: [0.5], workers: 0 };
  await expect(loaderOf({ ...options, fit: { crop_pct: 0.5 } }, gray)).rejects.toThrow(
    refusal(ParamError, 'fit', 'crop_pct 1: only images of 3 channels are cropped', '0.5'),
  );
  expect((await loaderOf({ ...options, fit: { crop_pct: 1 } }, gray)).steps).toBe(6);
  const untyped = { batchsize: 3 } as Partial<LoaderOptions>;
  await expect(loaderOf(untyped)).rejects.toMatchObject({ op: 'batchsize', hint: 'Did you mean batchSize?' });
});

test.each<[Partial<LoaderOptions>, string]>([
  [{ batchSize: 27 }, 'batchSize'],
  [{ batchSize: 0 }, 'batchSize'],
  [{ seed: -1 }, 'seed'],
  [{ mean: [0] }, 'normalize'],
  [{ std: [1, 0, 1] }, 'normalize'],
  [{ smoothing: 1 }, 'smoothing'],
  [{ mixup: NaN }, 'mixup'],
  [{ cutmix: -1 }, 'cutmix'],
  [{ mixupProb: 2 }, 'mixupProb'],
  [{ switchProb: NaN }, 'switchProb'],
  [{ workers: 1.5 }, 'workers'],
  [{ inputSize: [0, 4] }, 'inputSize'],
  [{ augment: { flip: 1 } as never }, 'augment.flip'],
])('refuses %j', async (options, op) => {
  await expect(loaderOf(options)).rejects.toMatchObject({ name: 'ParamError', op });
});

test('refuses labels, epochs and steps out of range', async () => {
  await expect(loaderOf({}, { ...set, labels: new Uint8Array(26).fill(10) })).rejects.toThrow(
    refusal(DataError, 'data set', 'labels from 0 to 9', '10 of image 0'),
  );
  const loader = await loaderOf({ workers: 0 });
  const message = (text: string): unknown => expect.objectContaining({ name: 'ParamError', message: text });
  expect(() => loader.epoch(-1)).toThrow(message('epoch: expected an integer in [0, 2^29), got -1'));
  expect(() => loader.epoch(2 ** 29)).toThrow(message('epoch: expected an integer in [0, 2^29), got 536870912'));
  expect(() => loader.epoch(2 ** 29 - 1)).not.toThrow();
  expect(() => loader.epoch(0, 7)).toThrow(message('firstStep: expected an integer from 0 to 6, got 7'));
  expect(() => loader.epoch(0, -1)).toThrow(message('firstStep: expected an integer from 0 to 6, got -1'));
  expect(await collect(loader.epoch(0, 6))).toEqual([]);
});

test.each([0, 1])('an epoch may be left early, superseded or disposed: %d threads', async (workers) => {
  const loader = await loaderOf({ workers });
  const want = await collect(loader.epoch(1));
  for await (const { labels } of loader.epoch(0)) if (labels.length > 0) break;
  expect(await collect(loader.epoch(1))).toEqual(want);
  const old = loader.epoch(0)[Symbol.asyncIterator]();
  await old.next();
  expect(await collect(loader.epoch(1))).toEqual(want);
  await expect(old.next()).rejects.toMatchObject({
    message: 'epoch: expected the epoch that was started last, got an earlier one',
    hint: 'Open a loader for each of them.',
  });
  const last = loader.epoch(2)[Symbol.asyncIterator]();
  await last.next();
  await loader.dispose();
  await loader.dispose();
  await expect(last.next()).rejects.toMatchObject({
    message: 'loader: expected an open loader, got a disposed one',
    hint: 'Open another one: openLoader.',
  });
  expect(() => loader.epoch(0)).toThrow(ParamError);
  expect(loader.waited).toBeGreaterThan(0);
});

test('pending requests fail when the loader is disposed or another epoch starts', async () => {
  const loader = await loaderOf({ ...ALL, workers: 1, inputSize: [256, 256] });
  const next = (epoch: number): Promise<unknown> => loader.epoch(epoch)[Symbol.asyncIterator]().next();
  const first = next(0);
  const second = next(1);
  await expect(first).rejects.toThrow('the epoch that was started last');
  const refused = expect(second).rejects.toThrow('an open loader');
  await loader.dispose();
  await refused;
});

test('a pending request fails with the error of its thread', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vanillanet-'));
  try {
    const script = join(folder, 'broken.mjs');
    writeFileSync(
      script,
      "import { parentPort } from 'node:worker_threads';\n" +
        "parentPort.on('message', () => { throw new RangeError('no such image'); });\n",
    );
    const threads = startThreads(script, 1, {} as ThreadData);
    threads.send({ number: 0, slot: 0, epoch: 0, step: 0, positions: new Int32Array(0) });
    await expect(threads.wait(0)).rejects.toThrow('no such image');
    await expect(threads.wait(1)).rejects.toThrow('no such image');
    await threads.stop(new Error('stopped'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an open loader does not keep the process alive, a pending request does', () => {
  const dist = (name: string): string =>
    pathToFileURL(fileURLToPath(new URL(`../../../dist/src/data/${name}`, import.meta.url))).href;
  const script = `
    import { openLoader } from '${dist('loader/loader.js')}';
    import { drawShapes } from '${dist('sets/shapes.js')}';
    const options = ${JSON.stringify(OPTIONS)};
    for (const closed of [true, false]) {
      const loader = await openLoader(drawShapes(26, { seed: 1, size: 16 }), { ...options, workers: 2 });
      for await (const { labels } of loader.epoch(0)) { console.log(labels.length); break; }
      if (closed) await loader.dispose();
    }
  `;
  const run = execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 300_000 });
  expect(run.toString()).toBe('4\n4\n');
});
