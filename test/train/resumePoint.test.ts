/** A run that ends at a resume point can be resumed from there with the same bits. */
import { describe, expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { DataError, LoaderError, ParamError } from '../../src/core/errors.js';
import { isStreamed, subset, evenlySpaced, type StreamedSet } from '../../src/data/sets/dataset.js';
import { openDataset } from '../../src/data/sets/open.js';
import type { Checkpoint } from '../../src/train/checkpoint.js';
import type { ResumePoint } from '../../src/train/progress.js';
import type { RunOptions } from '../../src/train/runOptions.js';
import { train } from '../../src/train/train.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { workersOf } from '../wasm/workers.js';
import { collect } from './collect.js';
import { config, data, EVERYTHING, on } from './everything.js';

const path = temporaryFolder();

describe('in the middle of an evaluation', () => {
  // 25 images in three batches, evaluated for the weights and for their average.
  const recipe = { ...EVERYTHING, batchSize: 12, epochs: 2, decayEpochs: 1 };
  const run = (options: RunOptions) => train(data, config, recipe, { openTrainer: on(1), ...options });

  test.each([1, 4, 11])('after batch %d', async (batch) => {
    const whole = await collect(run({}));
    let seen = 0;
    const saved: Checkpoint[] = [];
    const onResumePoint = async ({ checkpoint }: ResumePoint): Promise<void> => {
      if (++seen < batch) return;
      saved.push(await checkpoint());
      throw new Error('enough');
    };
    await expect(collect(run({ onResumePoint }))).rejects.toThrow('enough');
    const [resume] = saved;
    const epoch = batch > 6 ? 1 : 0;
    expect(resume).toMatchObject({ epoch, step: 7, globalStep: 7 * (epoch + 1) });
    const { done, epochs } = await collect(run({ resume }));
    expect(done).toEqual(whole.done);
    const scores = ({ validation, ema, train: trained, lambda, lr }: (typeof epochs)[number]) => [
      ...[validation, ema, trained, lambda, lr],
    ];
    expect(epochs.map(scores)).toEqual(whole.epochs.slice(epoch).map(scores));
  });
});

test('acceptData resumes with fewer images, also after more steps than an epoch now has', async () => {
  const recipe = { ...EVERYTHING, batchSize: 12, epochs: 2, decayEpochs: 1 };
  const saved: Checkpoint[] = [];
  const onResumePoint = async ({ checkpoint }: ResumePoint): Promise<void> => {
    saved.push(await checkpoint());
    throw new Error('enough');
  };
  await expect(collect(train(data, config, recipe, { openTrainer: on(1), onResumePoint }))).rejects.toThrow('enough');
  const [resume] = saved;
  const fewer = { ...data, train: subset(data.train, evenlySpaced(data.train.n, 80)) };
  const options = { openTrainer: on(1), resume };
  expect(() => train(fewer, config, recipe, options)).toThrow(refusal(ParamError, 'resume', '90 images', '80'));
  const { steps, epochs } = await collect(train(fewer, config, recipe, { ...options, acceptData: true }));
  expect([resume.step, epochs.length]).toEqual([7, 2]);
  expect(steps.map(({ epoch, step, steps: of }) => [epoch, step, of])).toEqual(
    Array.from({ length: 6 }, (_, i) => [2, i + 1, 6]),
  );
});

describe('if images cannot be read', () => {
  async function streamed(): Promise<StreamedSet> {
    for (let k = 0; k < 20; k++) {
      const file = path('pets', k < 10 ? 'cat' : 'dog', `${k}.png`);
      await mkdir(path('pets', k < 10 ? 'cat' : 'dog'), { recursive: true });
      const pixels = Uint8Array.from({ length: 3 * 16 * 16 }, (_, i) => (i * i * 7 + 31 * k + i) % 256);
      await writeFile(
        file,
        await sharp(pixels, { raw: { width: 16, height: 16, channels: 3 } })
          .png()
          .toBuffer(),
      );
    }
    const set = await openDataset(path('pets'), 'train', { size: [16, 16], cache: 'none' });
    if (!isStreamed(set)) throw new Error('not on the disk');
    return set;
  }
  const recipe = { epochs: 2, decayEpochs: 1, batchSize: 4, seed: 1 } as const;
  const two = { ...config, num_classes: 2 };

  test.each([
    ['a file that is gone', 'gone.png', DataError],
    ['a thread that ends', null, LoaderError],
  ])('%s', async (_, missing, type) => {
    const set = await streamed();
    const whole = await collect(train({ train: set, validation: null }, two, recipe, { openTrainer: on(1) }));
    const points: (Checkpoint & { error: unknown })[] = [];
    const onResumePoint = async ({ checkpoint, error }: ResumePoint): Promise<void> => {
      points.push({ ...(await checkpoint()), error });
    };
    const names = set.files.names.map((file, i) => (i === 7 ? (missing ?? file) : file));
    const spoiled = { ...set, files: { ...set.files, names } };
    const options = { openTrainer: on(1), workers: 1, onResumePoint };
    const steps = train({ train: spoiled, validation: null }, two, recipe, options);
    if (missing === null) {
      const workers = await workersOf(async () => {
        await steps.next();
      });
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    await expect(collect(steps)).rejects.toThrow(type);
    expect(points).toHaveLength(1);
    const [{ error, ...resume }] = points;
    expect(error).toBeInstanceOf(type);
    const again = await collect(train({ train: set, validation: null }, two, recipe, { openTrainer: on(1), resume }));
    expect(again.done).toEqual(whole.done);
  });
});
