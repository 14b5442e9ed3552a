/** The arguments of a trainer's methods, and what its options default to. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { ParamError, ShapeError } from '../../src/core/errors.js';
import type { FloatArray } from '../../src/core/tensor.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import { initialState } from '../../src/train/initialState.js';
import {
  checkEvaluateArguments,
  checkStepArguments,
  type EvaluateOptions,
  type StepOptions,
  type Trainer,
  type TrainerOptions,
} from '../../src/train/trainer.js';
import { refusal } from '../io/refusal.js';
import { draw, uniform } from '../wasm/draw.js';

const config = resolveConfig({ dims: [2, 3], strides: [2], num_classes: 3, input_size: 8, act_num: 0 });
const n = 2;
const x = draw([n, 3, 8, 8], uniform(1)).data;
const targets = Float32Array.of(1, 0, 0, 0, 1, 0);
const options: StepOptions = { lambda: 0.5, optimizer: { kind: 'adam', lr: 0.01 } };

describe('a step', () => {
  const check =
    (images: unknown, shares: unknown = targets, values: unknown = options): (() => void) =>
    () => {
      checkStepArguments(config, images as FloatArray, shares as FloatArray, values as StepOptions);
    };

  test('accepts floats of both precisions', () => {
    expect(check(x)).not.toThrow();
    expect(check(Float64Array.from(x), Float64Array.from(targets))).not.toThrow();
  });

  test.each([
    ['a list', [...x], '['],
    ['nothing', null, 'null'],
    ['bytes', new Uint8Array(x.length), 'Uint8Array'],
    ['an object that calls itself floats', { [Symbol.toStringTag]: 'Float32Array' }, ''],
  ])('refuses %s', (_, values, got) => {
    expect(check(values)).toThrow(refusal(ParamError, 'x', 'a Float32Array or Float64Array', got));
    expect(check(x, values)).toThrow(refusal(ParamError, 'targets', 'a Float32Array or Float64Array', got));
  });

  test('refuses images that are not as many as the targets', () => {
    expect(check(x.subarray(1))).toThrow(refusal(ShapeError, 'x', '384 values, for 2 images', '383'));
    expect(check(x, targets.subarray(0, 3))).toThrow(refusal(ShapeError, 'x', '192 values, for 1 images', '384'));
  });

  test('refuses options that are no objects', () => {
    expect(check(x, targets, null)).toThrow(refusal(ParamError, 'options', 'an object', 'null'));
    expect(check(x, targets, { lambda: 1 })).toThrow(refusal(ParamError, 'optimizer', 'an object', 'undefined'));
  });

  test('refuses a decay of the average out of its range', () => {
    expect(check(x, targets, { ...options, emaDecay: 1.5 })).toThrow(
      refusal(ParamError, 'ema', 'a number in [0, 1]', '1.5'),
    );
    expect(check(x, targets, { ...options, emaDecay: 1 })).not.toThrow();
  });
});

describe('an evaluation', () => {
  /** Checks the arguments for some of the images. */
  const check =
    (images: number, most?: number, values: unknown = { lambda: 1 }): (() => void) =>
    () => {
      const [data, shares] = [x.subarray(0, 192 * images), targets.subarray(0, 3 * images)];
      checkEvaluateArguments(config, data, shares, values as EvaluateOptions, most);
    };

  test('takes one image or more, up to the limit of the trainer', () => {
    for (const [images, most] of [[1], [2], [1, 2], [2, 2]]) expect(check(images, most)).not.toThrow();
    expect(check(0)).toThrow(refusal(ShapeError, 'evaluate', 'one image or more', '0'));
    expect(check(2, 1)).toThrow(refusal(ShapeError, 'evaluate', '1 to 1 images (evaluationBatch)', '2'));
    expect(check(0, 2)).toThrow(refusal(ShapeError, 'evaluate', '1 to 2 images (evaluationBatch)', '0'));
  });

  test('refuses images and options of other types', () => {
    expect(check(1, 2, { lambda: 2 })).toThrow(refusal(ParamError, 'lambda', 'a number in [0, 1]', '2'));
    expect(check(1, 2, { lambda: 1, useEma: 'yes' })).toThrow(refusal(ParamError, 'useEma', 'true or false', 'yes'));
    expect(check(1, 2, { lambda: 1, ema: true })).toThrow(refusal(ParamError, 'ema', 'lambda, useEma', 'an unknown'));
    expect(() => {
      checkEvaluateArguments(config, x.subarray(1), targets, { lambda: 1 });
    }).toThrow(refusal(ShapeError, 'x', '384 values, for 2 images', '383'));
  });
});

describe('the reference', () => {
  const open = (more: Partial<TrainerOptions> = {}): Trainer => oracleTrainer(config, { seed: 1, ...more });
  const sgd: StepOptions = { lambda: 0.5, optimizer: { kind: 'sgd', lr: 0.1, momentum: 0.9 } };

  test('refuses options that are none, and unknown ones', () => {
    expect(() => oracleTrainer(config, null as never)).toThrow(refusal(ParamError, 'options', 'an object', 'null'));
    expect(() => open({ sed: 1 } as never)).toThrow(expect.objectContaining({ op: 'sed', hint: 'Did you mean seed?' }));
  });

  test('starts from weights if there are some, with any batch size that it is opened for', async () => {
    const state = initialState(config, 7);
    expect(await open({ state }).state()).toEqual(await open({ seed: 7 }).state());
    expect(() => open({ batchSize: 1 } as never)).toThrow(refusal(ParamError, 'batchSize', 'at least 2 images', '1'));
  });

  test('refuses a batch that its micro-batches do not divide', () => {
    const three = [x, draw([1, 3, 8, 8], uniform(2)).data].flatMap((part) => [...part]);
    const shares = Float32Array.of(...targets, 0, 0, 1);
    expect(() => open({ gradAccumSteps: 3 }).step(Float32Array.from(three), shares, options)).toThrow(
      refusal(ParamError, 'gradAccumSteps', 'a divisor of batchSize, 3, that leaves 2 images', '3'),
    );
  });

  test('averages the weights after each step, and hands the average out', async () => {
    const trainer = open({ ema: true });
    const before = await trainer.state();
    expect((await trainer.snapshot()).ema).toEqual(before);
    await trainer.step(x, targets, options);
    expect(await trainer.ema()).toEqual(before);
    await trainer.step(x, targets, { ...options, emaDecay: 0.75 });
    const name = 'cls2.0.weight';
    const [first, now, average] = [before, await trainer.state(), await trainer.ema()].map((state) => [
      ...(state.get(name)?.data ?? []),
    ]);
    expect(average).toEqual(first.map((value, i): unknown => expect.closeTo(0.75 * value + 0.25 * now[i], 12)));
    expect((await trainer.snapshot()).ema).toEqual(await trainer.ema());
    expect(await open().snapshot()).not.toHaveProperty('ema');
    expect(() => open().step(x, targets, { ...options, emaDecay: 0.75 })).toThrow(
      refusal(ParamError, 'ema', 'opened with ema', 'one without'),
    );
  });

  test.each([
    ['sgd', sgd, /^momentum_buffer\./],
    ['adam', options, /^exp_avg(_sq)?\./],
  ])('resumes %s with its moments: the same bits', async (_, step, name) => {
    const whole = open();
    for (let i = 0; i < 3; i++) await whole.step(x, targets, step);
    const first = open();
    await first.step(x, targets, step);
    const resume = await first.snapshot();
    expect([...resume.optimizer.keys()].filter((key) => !name.test(key))).toEqual([]);
    expect(resume.optimizer.size).toBeGreaterThan(0);
    const second = open({ resume });
    for (let i = 0; i < 2; i++) await second.step(x, targets, step);
    expect(await second.snapshot()).toEqual(await whole.snapshot());
  });

  test('evaluates the loss that it trains with', async () => {
    // All logits of the last step before any change are those of the same weights.
    const { logits, loss } = await open().evaluate(x, targets, { lambda: 1 });
    const mean = (losses: number[]): number => losses.reduce((sum, value) => sum + value, 0) / losses.length;
    const softmax = [0, 1].map((i) => {
      const row = [...logits.subarray(3 * i, 3 * i + 3)];
      const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
      return -Math.log(Math.exp(row[i]) / total);
    });
    expect(loss).toBeCloseTo(mean(softmax), 12);
    const { loss: binary } = await open({ loss: 'bce' }).evaluate(x, targets, { lambda: 1 });
    const sigmoids = [...logits].map((z, i) => (targets[i] === 1 ? Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z))));
    expect(binary).toBeCloseTo(mean(sigmoids), 12);
  });

  test('evaluates the weights unless the average is requested', async () => {
    const trainer = open({ ema: true });
    await trainer.step(x, targets, { ...options, emaDecay: 0.9 });
    const at = async (more: { useEma?: boolean }) => trainer.evaluate(x, targets, { lambda: 1, ...more });
    const weights = await at({ useEma: false });
    expect(await at({})).toEqual(weights);
    expect((await at({ useEma: true })).logits).not.toEqual(weights.logits);
    expect(() => open().evaluate(x, targets, { lambda: 1, useEma: true })).toThrow(ParamError);
  });

  test('knows no layer that is not finite before the first pass, or after a finite one', async () => {
    const trainer = open();
    expect(trainer.firstNonFinite()).toBeNull();
    await trainer.step(x, targets, options);
    expect(trainer.firstNonFinite()).toBeNull();
  });

  test('looks for that layer with the statistics of the last pass', async () => {
    // Of images that vary by tens, times 316 by running statistics, but divided by their own deviation in training.
    const state = new Map(initialState(config, 1));
    state.set('stem1.1.weight', { data: new Float64Array(2).fill(5e306), shape: [2] });
    state.set('stem1.1.running_var', { data: new Float64Array(2), shape: [2] });
    const trainer = open({ state });
    const images = Float64Array.from(x, (value) => 100 * value);
    await trainer.step(images, targets, options);
    expect(trainer.firstNonFinite()).toBeNull();
    const again = open({ state });
    await again.evaluate(images, targets, { lambda: 0.5 });
    expect(again.firstNonFinite()).toBe('stem1.1');
  });
});
