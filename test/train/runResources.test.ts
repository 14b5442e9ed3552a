/** What a run opens and closes, and the options that its trainer gets. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import { prepareInputs } from '../../src/data/sets/prepareInputs.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import { fitOptions } from '../../src/image/preprocess.js';
import { resolveRecipe } from '../../src/train/recipe.js';
import { openResources, openTrainer } from '../../src/train/runResources.js';
import type { OpenTrainer } from '../../src/train/runOptions.js';
import type { TrainerOptions } from '../../src/train/trainer.js';
import { refusal } from '../io/refusal.js';
import { scripted } from './scriptedTrainer.js';

const data = { train: drawShapes(12, { seed: 3, size: 8 }), validation: drawShapes(23, { seed: 4, size: 8 }) };
const config = resolveConfig({ dims: [2, 3], strides: [1], act_num: 0, num_classes: 10, input_size: 8 });
const recipe = resolveRecipe({ epochs: 1, batchSize: 4, seed: 5 });

describe('a trainer is opened', () => {
  async function optionsFor(ema: number, resume?: TrainerOptions['resume']): Promise<TrainerOptions> {
    const all: TrainerOptions[] = [];
    const open: OpenTrainer = (network, options) => {
      all.push(options);
      return scripted().open(network, options);
    };
    await openTrainer(config, { ...recipe, ema }, { openTrainer: open }, resume);
    return all[0];
  }

  test('with an average if the recipe has one', async () => {
    expect(await optionsFor(0.9)).toMatchObject({ ema: true, batchSize: 4, seed: 5, gradAccumSteps: 1 });
    expect(await optionsFor(0)).toMatchObject({ ema: false });
  });

  test('with a snapshot only if there is one', async () => {
    expect(await optionsFor(0)).not.toHaveProperty('resume');
    const resume = { state: new Map(), optimizer: new Map(), steps: 0 };
    expect(await optionsFor(0, resume)).toMatchObject({ resume });
  });
});

describe('the loaders', () => {
  test('have all held-out images, in their order', async () => {
    const resources = await openResources(data, config, recipe, { openTrainer: scripted().open });
    const labels: number[] = [];
    for await (const batch of resources.heldOutLoader?.epoch(0) ?? []) labels.push(...batch.labels);
    expect(labels).toEqual([...data.validation.labels]);
    await resources.close();
  });

  test('scale and crop held-out images as the configuration says', async () => {
    const cropped = { ...config, crop_pct: 0.5 };
    const validation = drawShapes(5, { seed: 4, size: 16 });
    const resources = await openResources({ ...data, validation }, cropped, recipe, { openTrainer: scripted().open });
    const images: number[] = [];
    for await (const { x } of resources.heldOutLoader?.epoch(0) ?? []) images.push(...x);
    expect(images).toEqual([...(await prepareInputs(validation, [0, 1, 2, 3, 4], cropped))]);
    await resources.close();
    const fit = { ...fitOptions(cropped), crop_pct: 0.75 };
    await expect(
      openResources({ ...data, validation: { ...validation, fit } }, cropped, recipe, { openTrainer: scripted().open }),
    ).rejects.toThrow(refusal(ParamError, 'validation', 'crop_pct 0.5', 'crop_pct 0.75'));
  });

  test('are disposed with the trainer', async () => {
    const { open, calls } = scripted();
    const resources = await openResources(data, config, recipe, { openTrainer: open });
    await resources.close();
    for (const loader of [resources.trainLoader, resources.heldOutLoader])
      expect(() => loader?.epoch(0)).toThrow(ParamError);
    expect(calls.disposed).toHaveLength(1);
  });

  test('that cannot be opened leave no trainer behind', async () => {
    const { open, calls } = scripted();
    const broken = { ...data, validation: { ...data.validation, labels: Uint8Array.of(1) } };
    await expect(openResources(broken, config, recipe, { openTrainer: open })).rejects.toThrow();
    expect(calls.disposed).toHaveLength(1);
  });

  test('of held-out images exist only if there are some', async () => {
    const { open } = scripted();
    const resources = await openResources({ ...data, validation: null }, config, recipe, { openTrainer: open });
    expect(resources.heldOutLoader).toBeNull();
    await resources.close();
  });
});
