/** The training loop in WebAssembly: the seed determines the run, with any number of threads. */
import { expect, test } from '@jest/globals';
import { ParamError, TrainingError } from '../../src/core/errors.js';
import { fuseState } from '../../src/oracle/fuse.js';
import type { Recipe } from '../../src/train/recipe.js';
import { train } from '../../src/train/train.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import { wasmTrainer } from '../../src/train/wasmTrainer.js';
import type { Checkpoint } from '../../src/train/checkpoint.js';
import { refusal } from '../io/refusal.js';
import { collect } from './collect.js';
import { config, data, EVERYTHING, FUSED_ON_THE_WAY, on, PLAIN } from './everything.js';

const run = (threads: number, more: Partial<Recipe> = {}) =>
  collect(train(data, config, { ...PLAIN, ...more }, { openTrainer: on(threads) }));

test('yields the same weights with one thread and two; they have learned and can be fused', async () => {
  const [one, two] = [await run(1), await run(2)];
  expect(two.state).toEqual(one.state);
  const scores = ({ epochs }: typeof one) => epochs.map((epoch) => [epoch.train, epoch.validation]);
  expect(scores(two)).toEqual(scores(one));
  const losses = one.epochs.map(({ train: { loss } }) => loss);
  expect(losses[3]).toBeLessThan(losses[0]);
  const { report } = fuseState(one.state, { ...config, lambda: 1 });
  expect(report.maxDifference).toBeLessThan(1e-9 * report.maxLogit);
});

test('starts like the reference: the same weights, images, masks and rates', async () => {
  const first = train(data, config, PLAIN, { openTrainer: oracleTrainer });
  const mine = train(data, config, PLAIN, { openTrainer: on(1) });
  const [theirs, ours] = [(await first.next()).value, (await mine.next()).value];
  if (!('step' in theirs && 'step' in ours)) throw new Error('there are more steps than one');
  expect(ours).toMatchObject({ lambda: theirs.lambda, lr: theirs.lr, step: 1 });
  // Another image, weight or mask changes the first digits of the loss; float32 changes the last.
  expect(Math.abs(ours.loss - theirs.loss)).toBeLessThan(2 ** -16 * theirs.loss);
  for (const run of [first, mine]) await run.return(undefined as never);
});

test.each([
  ['with Adam', PLAIN, [4]],
  ['with everything', EVERYTHING, [0, 4, 7, 8, 10, 14, 15]],
  // Fused after the second epoch, whose end is number 7.
  ['fused on the way', FUSED_ON_THE_WAY, [4, 7, 8]],
  ['fused on the way, with an average', { ...FUSED_ON_THE_WAY, ema: 0.9 }, [7, 8]],
  ['with everything, in micro-batches', { ...EVERYTHING, gradAccumSteps: 5 }, [10]],
] as const)('resumes from any step with the same bits, %s', async (_, recipe, places) => {
  const checkpoints: Checkpoint[] = [];
  const whole = train(data, config, recipe, { openTrainer: on(1) });
  let next = await whole.next();
  for (; next.done !== true; next = await whole.next()) checkpoints.push(await next.value.checkpoint());
  // Three steps and the end of an epoch, four times.
  expect(checkpoints).toHaveLength(16);
  for (const at of places) {
    const again = await collect(train(data, config, recipe, { openTrainer: on(2), resume: checkpoints[at] }));
    expect(again.done).toEqual(next.value);
  }
});

test('training continues with the fused network', async () => {
  const { done, epochs } = await run(1, { fuseAtDecay: true });
  expect(epochs.map(({ fused }) => fused)).toEqual([false, false, true, true]);
  expect(done.config.form).toBe('deploy');
  expect([...done.state.keys()]).toContain('stages.0.conv.weight');
});

test.each([
  ['wasm', on(1), 2 ** -18],
  ['the reference', oracleTrainer, 2 ** -40],
] as const)('%s: the average continues as the fused average', async (_, openTrainer, precision) => {
  const ema = 0.9;
  const steps = train(data, config, { ...FUSED_ON_THE_WAY, epochs: 3, ema }, { openTrainer });
  let [before, after]: (Checkpoint | null)[] = [null, null];
  for await (const progress of steps) {
    const checkpoint = await progress.checkpoint();
    if (checkpoint.config.form === 'train') before = checkpoint;
    else after ??= checkpoint;
  }
  if (before?.snapshot.ema === undefined || after?.snapshot.ema === undefined) throw new Error('there is no average');
  expect(after.globalStep).toBe(before.globalStep + 1);
  const fused = fuseState(before.snapshot.ema, { ...config, lambda: 1 }).state;
  for (const [name, { data: got }] of after.snapshot.ema) {
    const [average, moved] = [fused.get(name)?.data ?? [], after.snapshot.state.get(name)?.data ?? []];
    const most = Math.max(...Array.from(average, Math.abs));
    const off = Array.from(got, (value, i) => Math.abs(value - (ema * average[i] + (1 - ema) * moved[i])));
    expect(Math.max(...off)).toBeLessThan(precision * most);
  }
});

test('a loss that is not finite ends the training, with its layer', async () => {
  const wild = run(1, { lr: 1e30 });
  await expect(wild).rejects.toThrow(refusal(TrainingError, 'epoch 1, step', 'a finite loss', 'first at stem'));
});

test('names the layer if only the first micro-batch is not finite, and changes no weights', async () => {
  const trainer = await wasmTrainer(config, { batchSize: 6, gradAccumSteps: 3, seed: 1 });
  const x = new Float32Array(6 * 3 * 16 * 16).fill(0.5);
  x[0] = NaN;
  const before = trainer.state();
  const stepOptions = { lambda: 0, optimizer: { kind: 'adam', lr: 1 } } as const;
  const { loss } = await trainer.step(x, new Float32Array(60).fill(0.1), stepOptions);
  expect(loss).toBeNaN();
  expect(trainer.firstNonFinite()).toBe('stem1.0');
  const weights = (state: Awaited<typeof before>) => [...state].filter(([name]) => name.endsWith('weight'));
  expect(weights(await trainer.state())).toEqual(weights(await before));
  trainer.dispose();
});

test('refuses a checkpoint of another network or recipe', async () => {
  const first = train(data, config, PLAIN, { openTrainer: on(1) });
  const { value } = await first.next();
  if (!('checkpoint' in value)) throw new Error('there are more steps than one');
  const resume = await value.checkpoint();
  await first.return(undefined as never);
  const go = (network: typeof config, recipe: Partial<Recipe>) => () => train(data, network, recipe, { resume });
  expect(go({ ...config, dims: [8, 16] }, PLAIN)).toThrow(refusal(ParamError, 'resume', 'dims [8,12]', '[8,16]'));
  expect(go(config, { ...PLAIN, lr: 1 })).toThrow(refusal(ParamError, 'resume', 'lr 0.005', '1'));
});
