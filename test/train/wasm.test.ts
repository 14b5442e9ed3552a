/** The training loop on the engine: a seed is a run, whatever the number of threads. */
import { expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { drawShapes } from '../../src/data/shapes.js';
import { fuseState } from '../../src/oracle/fuse.js';
import { train, type TrainOptions } from '../../src/train/train.js';
import { oracleTrainer, wasmTrainer } from '../../src/train/trainer.js';
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
const options: TrainOptions = {
  epochs: 4,
  decayEpochs: 2,
  lambdaSchedule: 'linear',
  batchSize: 30,
  lr: 5e-3,
  weightDecay: 1e-5,
  smoothing: 0.1,
  seed: 1,
};

async function run(threads: number) {
  const trainer = await wasmTrainer(config, { ...options, build: 'plain', threads });
  const made = collect(train(set, heldOut, config, options, trainer));
  trainer.dispose();
  return made;
}

test('gives the same weights on one thread and on two, which learn and can be fused', async () => {
  const [one, two] = [await run(1), await run(2)];
  expect(two.state).toEqual(one.state);
  const told = ({ records }: typeof one) =>
    records.map(({ loss, accuracy, validation }) => ({ loss, accuracy, validation }));
  expect(told(two)).toEqual(told(one));
  const losses = one.records.filter(({ step, steps }) => step === steps).map(({ loss }) => loss);
  expect(losses[3]).toBeLessThan(losses[0]);
  expect(one.records[11].validation?.accuracy).toBeGreaterThanOrEqual(0);
  const { report } = fuseState(one.state, { ...config, lambda: 1 });
  expect(report.maxDifference).toBeLessThan(1e-9 * report.maxLogit);
});

test('begins where the oracle begins: the same weights, images, masks and rates', async () => {
  const first = train(set, null, config, options, oracleTrainer(config, options)).next();
  const trainer = await wasmTrainer(config, { ...options, build: 'plain' });
  const mine = train(set, null, config, options, trainer).next();
  if (first.done === true || mine.done === true) throw new Error('there are more steps than one');
  expect(mine.value).toMatchObject({ lambda: first.value.lambda, lr: first.value.lr, step: 1 });
  // Another image, weight or mask would move the loss in its first digits; float32 does in its last.
  expect(Math.abs(mine.value.loss - first.value.loss)).toBeLessThan(2 ** -16 * first.value.loss);
  trainer.dispose();
});
