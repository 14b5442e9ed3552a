import { afterEach, expect, test } from '@jest/globals';
import { openLoader, type Batch, type Loader, type LoaderOptions } from '../../src/data/loader.js';
import { drawShapes } from '../../src/data/shapes.js';

const set = drawShapes(26, { seed: 1, size: 16 });
const OPTIONS: LoaderOptions = {
  batchSize: 4,
  seed: 7,
  mean: [0.5, 0.4, 0.3],
  std: [0.2, 0.3, 0.4],
  smoothing: 0.1,
  augment: { randomCrop: { padding: 2 }, horizontalFlip: 0.5 },
};

const open: Loader[] = [];
async function loaderOf(options: Partial<LoaderOptions> = {}): Promise<Loader> {
  const loader = await openLoader(set, { ...OPTIONS, ...options });
  open.push(loader);
  return loader;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((loader) => loader.dispose()));
});

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const { x, targets, labels } of batches) {
    all.push({ x: Float32Array.from(x), targets: Float32Array.from(targets), labels: Int32Array.from(labels) });
  }
  return all;
}

test('the same bits by this thread, by one and by two', async () => {
  const [none, one, two] = await Promise.all([0, 1, 2].map((workers) => loaderOf({ workers })));
  for (const epoch of [0, 3]) {
    const want = await collect(none.epoch(epoch));
    expect(want).toHaveLength(6);
    expect(await collect(one.epoch(epoch))).toEqual(want);
    expect(await collect(two.epoch(epoch))).toEqual(want);
  }
});
