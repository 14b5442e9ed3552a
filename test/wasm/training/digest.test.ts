/**
 * The plain build gives the same bits for the same seed on every machine and runtime: trainings end with the digests in
 * digests.json. After an intended change, `npm run goldens -- digests` shows the new digests, and writes them with
 * --write.
 */
import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { StateDict } from '../../../src/core/tensor.js';
import type { Checkpoint } from '../../../src/train/checkpoint.js';
import { train } from '../../../src/train/train.js';
import type { Recipe } from '../../../src/train/recipe.js';
import { config, data, EVERYTHING, FUSED_ON_THE_WAY, on, PLAIN } from '../../train/everything.js';

const FILE = new URL('digests.json', import.meta.url);

const RECIPES = {
  plain: { ...PLAIN, optimizer: 'adam' },
  sgd: { ...PLAIN, optimizer: 'sgd', augment: { randAugment: { magnitude: 7, layers: 2, std: 0.5 } } },
  everything: {
    ...EVERYTHING,
    lambdaSchedule: 'cosine',
    augment: {
      ...EVERYTHING.augment,
      colorJitter: { brightness: 0.2, contrast: 0.2, saturation: 0.2 },
      rotation: 20,
      randomErasing: { prob: 0.25, mode: 'pixel' },
    },
  },
  fused: FUSED_ON_THE_WAY,
} as const satisfies Record<string, Partial<Recipe>>;

/** SHA-256 of names, shapes and little-endian numbers. */
function digest(tensors: StateDict): string {
  const hash = createHash('sha256');
  for (const [name, { data: numbers, shape }] of tensors) {
    hash.update(`${name} ${shape.join()}\n`);
    const bytes = new DataView(new ArrayBuffer(8 * numbers.length));
    numbers.forEach((v, i) => {
      bytes.setFloat64(8 * i, v, true);
    });
    hash.update(bytes);
  }
  return hash.digest('hex');
}

/** The result of a training: weights, optimizer state, average. */
async function trained(recipe: Partial<Recipe>): Promise<Record<string, string>> {
  let last: Checkpoint | undefined;
  for await (const progress of train(data, config, recipe, { openTrainer: on(1) })) {
    if (progress.kind === 'epoch') last = await progress.checkpoint();
  }
  if (last === undefined) throw new Error('no epoch was run');
  const { state, optimizer, ema } = last.snapshot;
  return { state: digest(state), optimizer: digest(optimizer), ...(ema === undefined ? {} : { ema: digest(ema) }) };
}

test('trainings end with the recorded bits', async () => {
  const images = createHash('sha256').update(data.train.images).update(data.validation.images).digest('hex');
  const digests: Record<string, unknown> = { images };
  for (const [name, recipe] of Object.entries(RECIPES)) digests[name] = await trained(recipe);
  // `npm run goldens` compares them itself.
  const copy = process.env['VANILLANET_DIGESTS'];
  if (copy !== undefined) await writeFile(copy, `${JSON.stringify(digests, null, 2)}\n`);
  expect(digests).toEqual(JSON.parse(await readFile(FILE, 'utf8')));
});
