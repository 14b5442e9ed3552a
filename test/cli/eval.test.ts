import { beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { float32Bound, tensor, valuesOf } from '../../reference/index.js';
import { resolveConfig } from '../../src/core/config.js';
import { batchOf } from '../../src/data/sets/batchOf.js';
import { openDataset } from '../../src/data/sets/open.js';
import { readWeights, writeWeights } from '../../src/io/weightsFile.js';
import { Model } from '../../src/model/model.js';
import { topK } from '../../src/model/topK.js';
import { referenceBackend, toOracleConfig } from '../../src/oracle/backend.js';
import { stateToOracle } from '../../src/oracle/state.js';
import type { EpochRecord } from '../../src/report/record.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { all, parsed } from '../report/syntheticRun.js';
import { answered, hosted, PATIENCE, printed } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

/** The class names of the package's network. */
const CIFAR10_CLASSES = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
/** One image more than full batches have. */
const [IMAGES, BATCH] = [41, 10];
/** Images before the first whose logits overflow with the huge weights. */
const FINITE = 3;
const SIZES = { num_classes: 10, input_size: [16, 16], mean: [0.4, 0.5, 0.6], std: [0.3, 0.2, 0.25] };
const ARGS = ['eval', '-d', 'shapes', '--limit', `${IMAGES}`, '--batch-size', `${BATCH}`];

const deploy = drawnConfig('deploy', SIZES);
let expected: Awaited<ReturnType<typeof scoreByReference>>;

interface Answer {
  readonly top1: number;
  readonly top5: number;
  readonly loss: number;
  readonly images: number;
  readonly images_per_second: number;
  readonly per_class: Readonly<Record<string, number | null>>;
  readonly confusion: readonly (readonly number[])[];
}

/** Scores by the reference, image by image, from the probabilities of `topK`. */
async function scoreByReference(): Promise<Omit<Answer, 'images_per_second' | 'per_class'>> {
  const set = await openDataset('shapes', 'test', { size: [16, 16], n: IMAGES });
  const model = await Model.open(drawnState(deploy), deploy, referenceBackend);
  const confusion = set.classNames.map(() => set.classNames.map(() => 0));
  let [top1, top5, loss] = [0, 0, 0];
  for (let i = 0; i < set.n; i++) {
    const logits = await model.forward(batchOf(set, [i], { mean: SIZES.mean, std: SIZES.std }));
    const best = topK(logits, 10, null);
    const place = best.findIndex(({ index }) => index === set.labels[i]);
    if (place < 1) top1++;
    if (place < 5) top5++;
    loss -= Math.log(best[place].probability);
    confusion[set.labels[i]][best[0].index]++;
  }
  return { top1: top1 / IMAGES, top5: top5 / IMAGES, loss: loss / IMAGES, images: IMAGES, confusion };
}

beforeAll(async () => {
  expected = await scoreByReference();
  await writeWeights(path('deploy.safetensors'), drawnState(deploy), deploy);
  const train = drawnConfig('train', SIZES);
  await writeWeights(path('train.safetensors'), drawnState(train), train);
  const five = drawnConfig('deploy', { ...SIZES, num_classes: 5 });
  await writeWeights(path('five.safetensors'), drawnState(five), five);
  const class_names = Array.from({ length: 10 }, (_, i) => (i === 0 ? 'disc' : `thing ${i}`));
  const named = resolveConfig({ ...deploy, class_names });
  await writeWeights(path('named.safetensors'), drawnState(deploy), named);
  // So large that logits overflow in float32.
  const huge = new Map(drawnState(deploy));
  const [name, weight] = [...huge][0];
  huge.set(name, { ...weight, data: weight.data.map((v) => v * 1e38) });
  await writeWeights(path('huge.safetensors'), huge, deploy);
});

test.each(['wasm', 'reference'])(
  '%s agrees with the reference image by image',
  async (backend) => {
    const args = [...ARGS, '-w', 'deploy.safetensors', '--backend', backend, '--threads', '2'];
    const answer = (await answered(args, path(), backend === 'wasm' ? undefined : inHost)) as Answer;
    const { loss, ...counts } = expected;
    // An accuracy of 0 or 1 would test little.
    expect(counts.top1 > 0 && counts.top1 < counts.top5 && counts.top5 < 1).toBe(true);
    expect(answer).toMatchObject(counts);
    expect(Math.abs(answer.loss / loss - 1)).toBeLessThan(backend === 'wasm' ? 1e-5 : 1e-12);
    const rows = counts.confusion.map((row, i) => row[i] / row.reduce((a, b) => a + b, 0));
    expect(Object.values(answer.per_class)).toEqual(rows);
    expect(Object.keys(answer.per_class)[0]).toBe('disc');
    expect(answer.images_per_second).toBeGreaterThan(0);
  },
  PATIENCE,
);

/**
 * The largest difference of the losses of two float32 runs: each logit has an error of at most its bound in either, and
 * the cross-entropy changes by at most twice the largest change of a logit.
 */
async function lossBound(weights: string, n: number, seed: number): Promise<number> {
  const { state, config } = await readWeights(path(weights));
  const { mean, std, input_size } = config;
  const set = await openDataset('shapes', 'val', { size: input_size, n, seed });
  const x = tensor(batchOf(set, [...set.labels.keys()], { mean, std, dtype: 'float64' }), [n, 3, ...input_size]);
  const { bounds } = float32Bound(toOracleConfig(config), stateToOracle(state), x);
  const largest = Array.from(set.labels, (_, i) => Math.max(...valuesOf(bounds.pick(i)))).reduce((a, b) => a + b) / n;
  return 4 * largest;
}

test.each(['cross-entropy', 'bce'])(
  'reports the validation loss of the last epoch of a training by %s',
  async (loss) => {
    // Fused during training, so that the last weights are those that were evaluated.
    const network = ['--size', '16', '--dims', '4,6', '--strides', '2', '--threads', '1', '--workers', '0'];
    const recipe = ['--epochs', '6', '--decay-epochs', '2', '--lr', '0.05'];
    const data = ['--data', 'shapes', '--limit', '40', '--val-limit', '20', '--batch-size', '10', '--seed', '3'];
    const more = ['--fuse-at-decay', '--loss', loss, '--smoothing', '0.3', '--build', 'plain', '--json', '-o', loss];
    const text = await printed(['train', ...data, ...network, ...recipe, ...more], path(), inHost);
    const { kind, validation } = JSON.parse(text.trimEnd().split('\n').slice(-1)[0]) as EpochRecord;
    expect(kind).toBe('epoch');
    const weights = `${loss}/last.safetensors`;
    const args = ['eval', '-w', weights, '-d', 'shapes', '--split', 'val', '--limit', '20', '--seed', '3'];
    const answer = (await answered([...args, '--build', 'plain'], path(), inHost)) as Answer;
    const bound = await lossBound(weights, 20, 3);
    // Label smoothing would change it by 0.07, another loss by 2.
    expect(bound).toBeLessThan(1e-3);
    expect(Math.abs(answer.loss - (validation?.loss ?? NaN))).toBeLessThan(bound);
    expect(answer).toMatchObject({ top1: validation?.top1, top5: validation?.top5 });
  },
  PATIENCE,
);

test(
  'prints a table, and runs the train form by the reference',
  async () => {
    const args = [...ARGS, '-w', 'train.safetensors', '--backend', 'reference', '--top', '3'];
    const text = await printed(args, path(), inHost);
    expect(text).toMatch(/41 images, 10 classes\n/);
    expect(text).toMatch(/top-1 \d+\.\d% +top-3 \d+\.\d% +loss \d+\.\d{4}/);
    expect(text).toMatch(/\n0 disc +\S/);
    expect(text).toMatch(/images\/s/);
  },
  PATIENCE,
);

test.each(['csv', 'svg', 'json'])(
  'writes the confusion matrix as %s',
  async (ending) => {
    const file = `confusion.${ending}`;
    await printed([...ARGS, '-w', 'deploy.safetensors', '--confusion', file], path(), inHost);
    const content = await readFile(path(file), 'utf8');
    if (ending === 'csv') expect(content.trimEnd().split('\n')).toHaveLength(11);
    if (ending === 'svg') expect(all(parsed(content), 'g[data-mark="cell"] rect')).toHaveLength(100);
    if (ending === 'json') expect(JSON.parse(content)).toHaveProperty('per_class');
  },
  PATIENCE,
);

test(
  'weights whose logits overflow for one image work for those before it',
  async () => {
    const args = [...ARGS, '-w', 'huge.safetensors', '--limit', `${FINITE}`];
    expect(await printed(args, path(), inHost)).toContain('3 images');
  },
  PATIENCE,
);

test(
  'uses the weights of the package by default, and says so',
  async () => {
    // An image of each class; the predictions do not matter.
    for (const name of CIFAR10_CLASSES) {
      await mkdir(path('pictures', name), { recursive: true });
      await sharp({ create: { width: 40, height: 40, channels: 3, background: 'teal' } })
        .png()
        .toFile(path('pictures', name, '1.png'));
    }
    const shipped = relative(
      path(),
      fileURLToPath(new URL('../../models/vanillanet-cifar10.safetensors', import.meta.url)),
    );
    const text = await printed(['eval', '-d', 'pictures'], path(), inHost);
    expect(text).toContain(`weights ${shipped} (of this package; choose others with --weights)\n`);
    expect(text).toContain(`${shipped} on pictures, all: 10 images, 10 classes\n`);
    const answer = await answered(['eval', '-d', 'pictures'], path(), inHost);
    expect(answer).toMatchObject({ weights: shipped, images: 10 });
    const args = ['eval', '-d', 'pictures', '-w', shipped];
    const { images_per_second: _, ...named } = (await answered(args, path(), inHost)) as Answer;
    expect(answer).toMatchObject(named);
  },
  PATIENCE,
);

describe('refuses', () => {
  test.each([
    ['train.safetensors', [], 'WeightsError', 'the train form'],
    ['five.safetensors', [], 'ParamError', '5 classes, like the network, got 10 (disc, ring'],
    ['named.safetensors', [], 'ParamError', "'thing 1' as class 1, got 'ring'"],
    ['huge.safetensors', ['--limit', `${FINITE + 1}`], 'WeightsError', `of image ${FINITE} (ring)`],
    ['none.safetensors', [], 'WeightsError', 'no such file'],
    ['deploy.safetensors', ['-d', 'none'], 'DataError', 'none'],
  ])(
    '%s %j',
    async (weights, more, kind, message) => {
      const args = [...ARGS, '-w', weights, ...more, '--confusion', 'not.svg'];
      const { status, stdout, stderr } = await inHost(args, path());
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr.startsWith(`${kind}: `)).toBe(true);
      expect(stderr).toContain(message);
      expect(await stat(path('not.svg')).catch(() => null)).toBeNull();
    },
    PATIENCE,
  );
});
