/**
 * One network and the same pictures by every way that leads to it: `classify`, `eval`, `pack`, validation during a
 * training, and `prepareInputs`. timm decides what is right, in test/image/timm.long.test.ts.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { ModelConfig } from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import { driftOf, openProbe } from '../../src/cli/probe.js';
import { readImage } from '../../src/data/decode/image.js';
import type { DataSet, ImageSet } from '../../src/data/sets/dataset.js';
import { openDataset } from '../../src/data/sets/open.js';
import { prepareInputs } from '../../src/data/sets/prepareInputs.js';
import { toPlanes } from '../../src/data/decode/planar.js';
import { fitOptions, preprocess, preprocessOptions } from '../../src/image/preprocess.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { evaluate } from '../../src/train/evaluate.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import { DEFAULT_RECIPE } from '../../src/train/recipe.js';
import { openResources } from '../../src/train/runResources.js';
import { train } from '../../src/train/train.js';
import { createWasmBackend } from '../../src/wasm/inference/backend.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { CLASSES, evaluated, pictureOf, writePets } from './pets.js';

const path = temporaryFolder();

beforeAll(() => writePets(path('pets')));

/** The loss by `classify`: −log of the probability of the picture's class. */
async function lossByClassify(model: Model): Promise<number> {
  let loss = 0;
  for (const [i, name] of CLASSES.entries()) {
    const predictions = await model.classify(await readImage(path('pets', 'val', name, '1.png')), { topK: 5 });
    loss -= Math.log(predictions.find(({ index }) => index === i)?.probability ?? NaN);
  }
  return loss / CLASSES.length;
}

/** The loss on held-out images, as a training scores the network after an epoch. */
async function lossByValidation(state: Parameters<typeof writeWeights>[1], config: ModelConfig, validation: DataSet) {
  const resume = { state, optimizer: new Map(), steps: 0 };
  const data = { train: validation, validation };
  const openTrainer = (network: ModelConfig, options: object) =>
    oracleTrainer(network, { ...options, seed: 0, resume });
  const resources = await openResources(data, config, { ...DEFAULT_RECIPE, batchSize: validation.n }, { openTrainer });
  try {
    const { trainer, heldOutLoader } = resources;
    if (heldOutLoader === null) throw new Error('no loader');
    const scores = await evaluate(
      trainer,
      heldOutLoader,
      { lambda: 1, useEma: false },
      {
        position: '',
        afterBatch: () => Promise.resolve(),
      },
    );
    return scores.loss;
  } finally {
    await resources.close();
  }
}

const CASES = [
  [0.875, 'bicubic', [16, 16]],
  [1, 'bicubic', [16, 16]],
  [0.6, 'box', [20, 20]],
  [0.875, 'bilinear', [16, 24]],
] as const;

describe.each(CASES)('crop_pct %d, %s, input %j', (crop_pct, interpolation, input_size) => {
  const config = drawnConfig('deploy', { crop_pct, interpolation, input_size, class_names: CLASSES });
  const state = drawnState(config, 3);
  const weights = (): string => path(`${crop_pct}-${interpolation}-${input_size.join('x')}.safetensors`);
  let expected: number;

  beforeAll(async () => {
    await writeWeights(weights(), state, config, { dtype: 'float32' });
    expected = await lossByClassify(await Model.open(state, config, referenceBackend));
  });

  test('another preparation gives another loss', async () => {
    // Otherwise the other tests could not fail.
    const other = { ...config, crop_pct: crop_pct === 1 ? 0.8 : 1 };
    expect(
      Math.abs((await lossByClassify(await Model.open(state, other, referenceBackend))) - expected),
    ).toBeGreaterThan(1e-4);
  });

  test('eval has the loss of classify', async () => {
    const args = ['-w', weights(), '-d', path('pets'), '--split', 'val'];
    const { loss } = await evaluated(...args, '--backend', 'reference');
    expect(loss).toBeCloseTo(expected, 6);
    const wasm = await Model.open(state, config, createWasmBackend());
    expect((await evaluated(...args)).loss).toBeCloseTo(await lossByClassify(wasm), 6);
    wasm.dispose();
  });

  test.each(['memory', 'none'] as const)('validation has the loss of classify, with cache %s', async (cache) => {
    const set = await openDataset(path('pets'), 'val', { ...fitOptions(config), cache });
    expect(await lossByValidation(state, config, set)).toBeCloseTo(expected, 12);
  });

  test('validation of original images in memory has the loss of classify', async () => {
    const picture = pictureOf(0);
    const images = new Uint8Array(picture.data.length);
    toPlanes(picture.data, images);
    const { width, height } = picture;
    const set: ImageSet = {
      ...{ images, labels: Uint8Array.of(3), n: 1, channels: 3 },
      height,
      width,
      classNames: CLASSES,
    };
    const model = await Model.open(state, config, referenceBackend);
    const predictions = await model.classify(picture, { topK: 5 });
    const loss = -Math.log(predictions.find(({ index }) => index === 3)?.probability ?? NaN);
    expect(await lossByValidation(state, config, set)).toBeCloseTo(loss, 12);
    expect(await prepareInputs(set, [0], config)).toEqual(preprocess(picture, preprocessOptions(config)));
  });

  test('pack measures the logits of classify', async () => {
    const model = await Model.open(state, config, createWasmBackend());
    const all = await Promise.all(
      CLASSES.map(async (name) => {
        const image = await readImage(path('pets', 'val', name, '1.png'));
        return model.forward(preprocess(image, preprocessOptions(config)));
      }),
    );
    const probe = await openProbe(config, { data: path('pets'), seed: 0 });
    const drift = await driftOf([model, model], probe, () => undefined);
    expect(drift).toMatchObject({ images: 5, maxDifference: 0, top1Agreement: 1 });
    expect(drift.maxLogit).toBe(Math.max(...all.flatMap((logits) => [...logits].map(Math.abs))));
    model.dispose();
  });
});

test('refuses held-out images that were opened with another preparation', async () => {
  const config = drawnConfig('train', { input_size: [16, 16], crop_pct: 0.875, lambda: null });
  const validation = await openDataset(path('pets'), 'val', { size: [16, 16] });
  const start = () => train({ train: validation, validation }, config, { batchSize: 5 });
  expect(start).toThrow(
    refusal(ParamError, 'validation', '16x16, crop_pct 0.875, bicubic', '16x16, crop_pct 1, bicubic'),
  );
  expect(start).toThrow(
    expect.objectContaining({ hint: 'Open it with { ...fitOptions(config) }, or change the configuration.' }),
  );
  await expect(prepareInputs(validation, [0], config)).rejects.toThrow(ParamError);
});
