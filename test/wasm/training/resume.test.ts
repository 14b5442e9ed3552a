/** A resumed run, and a run on several threads, end with the same bits as an uninterrupted run on one thread. */
import { describe, expect, test } from '@jest/globals';
import { ParamError, WeightsError } from '../../../src/core/errors.js';
import type { OptimizerStep } from '../../../src/core/optimizer.js';
import type { ModelConfig } from '../../../src/core/config.js';
import { TrainingSession, type TrainingOptions } from '../../../src/wasm/training/session.js';
import { refusal } from '../../io/refusal.js';
import { draw, uniform } from '../draw.js';
import { drawState } from '../networks.js';
import { trainConfig } from './chain.js';

/** Channels that do not fill a panel, so that padding is tested, too. */
const SIZES = {
  dims: [5, 3, 17],
  strides: [2, 2],
  num_classes: 3,
  act_num: 1,
  input_size: [20, 17],
  drop_rate: 0.3,
} as const;
const N = 3;

const KINDS: readonly OptimizerStep[] = [
  { kind: 'adam', lr: 1e-2, weightDecay: 1e-2 },
  { kind: 'adamw', lr: 1e-2, weightDecay: 0.3, layerDecay: 0.8 },
  { kind: 'sgd', lr: 1e-2, momentum: 0.9, nesterov: true, weightDecay: 1e-3 },
  { kind: 'lamb', lr: 5e-3, weightDecay: 0.3, layerDecay: 0.8 },
];

const batch = (config: ModelConfig, step: number) => ({
  x: draw([N, config.in_chans, ...config.input_size], uniform(60 + step)).data,
  targets: Float32Array.from({ length: N * config.num_classes }, (_, i) => ((i + step) % 3 === 0 ? 0.9 : 0.05)),
});

const options = (threads: number): TrainingOptions => ({
  batchSize: N,
  build: 'plain',
  threads,
  seed: 9,
  loss: 'bce',
  ema: true,
});

function steps(session: TrainingSession, config: ModelConfig, by: OptimizerStep, from: number, to: number): void {
  for (let step = from; step < to; step++) {
    const { x, targets } = batch(config, step);
    session.pass(x, targets, step / 6);
    session.optimize({ ...by, lr: by.lr / (1 + step) });
    session.ema(0.9);
  }
}

describe.each(['train', 'deploy'] as const)('the %s form', (form) => {
  const config = trainConfig(SIZES, form);
  const open = (threads = 1) => TrainingSession.open(drawState(config), config, options(threads));

  test.each(KINDS)('$kind', async (by) => {
    const whole = await open();
    steps(whole, config, by, 0, 6);
    const want = whole.snapshot();
    const { x, targets } = batch(config, 7);
    const evaluated = whole.evaluate(x, targets, 1, { useEma: true });
    expect(whole.snapshot()).toEqual(want);
    expect(evaluated).not.toEqual(whole.evaluate(x, targets, 1));
    whole.dispose();

    const first = await open();
    steps(first, config, by, 0, 3);
    const { state, ...resume } = first.snapshot();
    first.dispose();
    const second = await TrainingSession.open(state, config, { ...options(2), resume });
    expect([second.steps, second.snapshot()]).toEqual([3, { state, ...resume }]);
    steps(second, config, by, 3, 6);
    expect(second.snapshot()).toEqual(want);
    expect(second.evaluate(x, targets, 1, { useEma: true })).toEqual(evaluated);
    second.dispose();

    const third = await open(3);
    steps(third, config, by, 0, 6);
    expect(third.snapshot()).toEqual(want);
    third.dispose();
  });
});

describe('refused', () => {
  const config = trainConfig(SIZES);
  const state = drawState(config);

  test('the moments of another optimizer, and an invalid step', async () => {
    const session = await TrainingSession.open(state, config, options(1));
    steps(session, config, KINDS[2], 0, 1);
    expect(() => {
      session.optimize(KINDS[0]);
    }).toThrow(refusal(ParamError, 'optimizer', 'sgd', 'adam'));
    expect(() => {
      session.optimize({ ...KINDS[2], lr: NaN });
    }).toThrow(refusal(ParamError, 'lr', '>= 0', 'NaN'));
    expect(() => {
      session.ema(2);
    }).toThrow(refusal(ParamError, 'ema', '[0, 1]', '2'));
    expect(session.steps).toBe(1);
    session.dispose();
  });

  test('an average if none is kept', async () => {
    const session = await TrainingSession.open(state, config, { ...options(1), ema: false });
    const { x, targets } = batch(config, 0);
    const withoutEma = refusal(ParamError, 'ema', 'opened with ema', 'without');
    expect(() => session.emaState()).toThrow(withoutEma);
    expect(() => session.evaluate(x, targets, 0, { useEma: true })).toThrow(withoutEma);
    expect(session.snapshot()).not.toHaveProperty('ema');
    session.dispose();
  });

  test('moments that do not fit', async () => {
    const session = await TrainingSession.open(state, config, options(1));
    steps(session, config, KINDS[0], 0, 1);
    const { optimizer, steps: count } = session.snapshot();
    session.dispose();
    const name = 'exp_avg_sq.cls2.0.bias';
    const fewer = new Map([...optimizer].filter(([other]) => other !== name));
    const others = new Map([...optimizer, [name, { shape: [2], data: new Float32Array(2) }] as const]);
    for (const [moments, got] of [
      [fewer, 'none of that name'],
      [others, '[2]'],
    ] as const) {
      const resume = { optimizer: moments, steps: count };
      await expect(TrainingSession.open(state, config, { ...options(1), resume })).rejects.toThrow(
        refusal(WeightsError, name, 'a tensor [3]', got),
      );
    }
  });
});
