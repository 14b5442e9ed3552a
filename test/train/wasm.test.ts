/** The training loop on the engine: a seed is a run, whatever the number of threads. */
import { expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { ParamError, TrainingError } from '../../src/core/errors.js';
import { drawShapes } from '../../src/data/shapes.js';
import { fuseState } from '../../src/oracle/fuse.js';
import type { Recipe } from '../../src/train/recipe.js';
import { train, type OpenTrainer } from '../../src/train/train.js';
import { oracleTrainer, wasmTrainer } from '../../src/train/trainer.js';
import type { Checkpoint } from '../../src/train/checkpoint.js';
import { refusal } from '../io/refusal.js';
import { collect } from './collect.js';

const set = drawShapes(90, { seed: 3, size: 16 });
const heldOut = drawShapes(25, { seed: 4, size: 16 });
const config = resolveConfig({
  dims: [8, 12],
  strides: [2],
  act_num: 1,
  num_classes: 10,
  input_size: 16,
  drop_rate: 0.1,
});
const options = {
  epochs: 4,
  decayEpochs: 2,
  lambdaSchedule: 'linear',
  batchSize: 30,
  lr: 5e-3,
  weightDecay: 1e-5,
  smoothing: 0.1,
  seed: 1,
} as const satisfies Partial<Recipe>;

const on =
  (threads: number): OpenTrainer =>
  (network, given) =>
    wasmTrainer(network, { ...given, build: 'plain', threads });
const data = { train: set, validation: heldOut };

const run = (threads: number, more: Partial<Recipe> = {}) =>
  collect(train(data, config, { ...options, ...more }, { openTrainer: on(threads) }));

test('gives the same weights on one thread and on two, which learn and can be fused', async () => {
  const [one, two] = [await run(1), await run(2)];
  expect(two.state).toEqual(one.state);
  const told = ({ epochs }: typeof one) => epochs.map((epoch) => [epoch.train, epoch.validation]);
  expect(told(two)).toEqual(told(one));
  const losses = one.epochs.map(({ train: { loss } }) => loss);
  expect(losses[3]).toBeLessThan(losses[0]);
  const { report } = fuseState(one.state, { ...config, lambda: 1 });
  expect(report.maxDifference).toBeLessThan(1e-9 * report.maxLogit);
});

test('begins where the oracle begins: the same weights, images, masks and rates', async () => {
  const first = train(data, config, options, { openTrainer: oracleTrainer });
  const mine = train(data, config, options, { openTrainer: on(1) });
  const [theirs, ours] = [(await first.next()).value, (await mine.next()).value];
  if (!('step' in theirs && 'step' in ours)) throw new Error('there are more steps than one');
  expect(ours).toMatchObject({ lambda: theirs.lambda, lr: theirs.lr, step: 1 });
  // Another image, weight or mask would move the loss in its first digits; float32 does in its last.
  expect(Math.abs(ours.loss - theirs.loss)).toBeLessThan(2 ** -16 * theirs.loss);
  for (const run of [first, mine]) await run.return(undefined as never);
});

const EVERYTHING = {
  lambdaPer: 'epoch',
  optimizer: 'lamb',
  warmupEpochs: 1,
  layerDecay: 0.8,
  ema: 0.9,
  loss: 'bce',
  mixup: 0.2,
  cutmix: 1,
  augment: { randomCrop: { padding: 2 }, horizontalFlip: 0.5 },
} as const satisfies Partial<Recipe>;

test.each([
  ['with Adam', {}],
  ['with everything', EVERYTHING],
  ['fused on the way', { fuseAtDecay: true, optimizer: 'adamw' }],
] as const)('goes on from any step to the same last bit, %s', async (_, more) => {
  const recipe = { ...options, ...more };
  const checkpoints: Checkpoint[] = [];
  const whole = train(data, config, recipe, { openTrainer: on(1) });
  let next = await whole.next();
  for (; next.done !== true; next = await whole.next()) checkpoints.push(await next.value.checkpoint());
  // Three steps and an epoch's end, four times.
  expect(checkpoints).toHaveLength(16);
  for (const at of [0, 4, 7, 8, 10, 14, 15]) {
    const again = await collect(train(data, config, recipe, { openTrainer: on(2), resume: checkpoints[at] }));
    expect(again.done).toEqual(next.value);
  }
});

test('the fused network is the one that goes on', async () => {
  const { done, epochs } = await run(1, { fuseAtDecay: true });
  expect(epochs.map(({ fused }) => fused)).toEqual([false, false, true, true]);
  expect(done.config.form).toBe('deploy');
  expect([...done.state.keys()]).toContain('stages.0.conv.weight');
});

test('a loss that is no number stops the training, and says where', async () => {
  const wild = run(1, { lr: 1e30 });
  await expect(wild).rejects.toThrow(
    refusal(TrainingError, 'epoch 1, step', 'a loss that is a number', 'first at stem'),
  );
});

test('a checkpoint of another network or recipe is refused', async () => {
  const first = train(data, config, options, { openTrainer: on(1) });
  const { value } = await first.next();
  if (!('checkpoint' in value)) throw new Error('there are more steps than one');
  const resume = await value.checkpoint();
  await first.return(undefined as never);
  const go = (network: typeof config, recipe: Partial<Recipe>) => () => train(data, network, recipe, { resume });
  expect(go({ ...config, dims: [8, 16] }, options)).toThrow(refusal(ParamError, 'resume', 'dims [8,12]', '[8,16]'));
  expect(go(config, { ...options, lr: 1 })).toThrow(refusal(ParamError, 'resume', 'lr 0.005', '1'));
});
