/** What a run decides, on a trainer whose scores follow a script: λ, rates, best weights, fusion and cancellation. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { DataError, ParamError } from '../../src/core/errors.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import { fuseState } from '../../src/oracle/fuse.js';
import type { Checkpoint } from '../../src/train/checkpoint.js';
import type { NetworkWeights } from '../../src/train/progress.js';
import type { Recipe } from '../../src/train/recipe.js';
import type { RunOptions } from '../../src/train/runOptions.js';
import { train } from '../../src/train/train.js';
import { refusal } from '../io/refusal.js';
import { collect, type Step } from './collect.js';
import { scripted, stepsOf, type Script } from './scriptedTrainer.js';

const data = {
  train: drawShapes(12, { seed: 3, size: 8 }),
  validation: drawShapes(20, { seed: 4, size: 8 }),
};
const config = resolveConfig({ dims: [2, 3], strides: [1], act_num: 0, num_classes: 10, input_size: 8 });
/** Three steps per epoch. */
const recipe = { epochs: 4, batchSize: 4, decayEpochs: 2, lr: 0.8, seed: 1 } as const satisfies Partial<Recipe>;

const start = (more: Partial<Recipe> = {}, options: RunOptions = {}, on: Parameters<typeof train>[0] = data) =>
  train(on, config, { ...recipe, ...more }, options);

/** Runs to the end. */
async function run(script: Script, more: Partial<Recipe> = {}) {
  const { open, calls } = scripted(script);
  const progress = start(more, { openTrainer: open });
  const saved = new Map<string, NetworkWeights>();
  const epochs: { lambda: number; lr: number; newBest: string[] }[] = [];
  for (;;) {
    const next = await progress.next();
    if (next.done === true) return { calls, epochs, saved, done: next.value };
    if (next.value.kind === 'step') continue;
    const { epoch, lambda, lr, newBest } = next.value;
    epochs.push({ lambda, lr, newBest: Object.keys(newBest) });
    for (const name of ['best', 'bestFusable'] as const) {
      const weights = newBest[name];
      if (weights !== undefined) saved.set(`${name} ${epoch}`, await weights());
    }
  }
}

const close = (value: number): unknown => expect.closeTo(value, 15);

/** λ before steps 0, 3, 6 and 9 of a run, and at the last step of each epoch. */
const [FIRST, LAST] = [
  [0, 0.5, 1, 1],
  [1 / 3, 5 / 6, 1, 1],
];

describe('validation', () => {
  test.each([
    ['step', LAST],
    ['epoch', FIRST],
  ] as const)('runs at the λ of the last step of its epoch: λ per %s', async (lambdaPer, lambdas) => {
    const { calls, epochs } = await run(() => 0.5, { lambdaPer });
    expect(calls.evaluations).toEqual(
      lambdas.map((lambda, i) => ({ lambda: close(lambda), useEma: false, steps: 3 * i + 3 })),
    );
    expect(epochs.map(({ lambda }) => lambda)).toEqual(calls.evaluations.map(({ lambda }) => lambda));
  });

  test('is of the weights, then of their average, at the same λ', async () => {
    const { calls } = await run(() => 0.5, { ema: 0.9, lambdaPer: 'epoch' });
    expect(calls.evaluations).toEqual(
      FIRST.flatMap((lambda, i) => [false, true].map((useEma) => ({ lambda, useEma, steps: 3 * i + 3 }))),
    );
  });

  test('after a resume at the end of an epoch has the λ and the rate of its last step', async () => {
    const { open } = scripted();
    const saved: Checkpoint[] = [];
    const onResumePoint = async ({ checkpoint }: Parameters<NonNullable<RunOptions['onResumePoint']>>[0]) => {
      saved.push(await checkpoint());
    };
    const whole = await collect(start({}, { openTrainer: open, onResumePoint }));
    const [resume] = saved;
    expect(resume).toMatchObject({ epoch: 0, step: 3, globalStep: 3 });
    const { open: again, calls } = scripted();
    const { epochs, steps } = await collect(start({}, { openTrainer: again, resume }));
    expect(steps[0]).toMatchObject({ epoch: 2, step: 1, lambda: 0.5 });
    expect(calls.evaluations[0]).toMatchObject({ lambda: 1 / 3, steps: 3 });
    expect(epochs[0]).toMatchObject({ epoch: 1, lambda: 1 / 3, lr: whole.epochs[0].lr, global_step: 3 });
  });

  test('is left out without held-out images, also of the average', async () => {
    const { open, calls } = scripted();
    const { epochs } = await collect(
      start({ ema: 0.9 }, { openTrainer: open }, { train: data.train, validation: null }),
    );
    expect(calls.evaluations).toEqual([]);
    expect(epochs.map((epoch) => 'validation' in epoch || 'ema' in epoch)).toEqual([false, false, false, false]);
  });
});

describe('weights', () => {
  test('are labeled with the λ of their step, the last with λ = 1', async () => {
    const { open } = scripted();
    const progress = start({}, { openTrainer: open });
    const labels: (number | null)[] = [];
    for (;;) {
      const next = await progress.next();
      if (next.done === true) {
        expect(next.value.config.lambda).toBe(1);
        expect(stepsOf(next.value.state)).toBe(12);
        break;
      }
      const { state, config: label } = await next.value.weights();
      expect(label).toEqual({ ...config, lambda: next.value.lambda });
      expect(stepsOf(state)).toBe(next.value.global_step);
      labels.push(label.lambda);
    }
    const rising = [0, 1, 2, 2, 3, 4, 5, 5].map((sixths) => sixths / 6);
    expect(labels).toEqual([...rising, 1, 1, 1, 1, 1, 1, 1, 1].map((lambda) => close(lambda)));
  });

  test('of the best epochs have its λ; fusable ones have λ = 1', async () => {
    const { saved } = await run((steps) => steps / 20);
    expect([...saved].map(([name, { config: label }]) => [name, label.lambda])).toEqual([
      ['best 1', expect.closeTo(1 / 3, 15)],
      ['best 2', expect.closeTo(5 / 6, 15)],
      ['best 3', 1],
      ['bestFusable 3', 1],
      ['best 4', 1],
      ['bestFusable 4', 1],
    ]);
    for (const [name, { state, config: label }] of saved) {
      const fuse = () => fuseState(state, label);
      if (name.startsWith('bestFusable')) expect(fuse).not.toThrow();
      else if (label.lambda !== 1) expect(fuse).toThrow('lambda');
    }
  });
});

describe('the best epochs', () => {
  test('a high score at λ < 1 is best, and never best fusable', async () => {
    const { epochs, done, saved } = await run((steps) => (steps === 6 ? 0.9 : 0.5));
    expect(epochs.map(({ newBest }) => newBest)).toEqual([['best'], ['best'], ['bestFusable'], []]);
    expect(done).toMatchObject({ best: { epoch: 2, top1: 0.9 }, bestFusable: { epoch: 3, top1: 0.5 } });
    expect([...saved].map(([name, { state }]) => [name, stepsOf(state)])).toEqual([
      ['best 1', 3],
      ['best 2', 6],
      ['bestFusable 3', 9],
    ]);
  });

  test('the average is saved where it scores higher, the weights where they do not', async () => {
    // By epoch: the weights, and their average.
    const scores = [
      [0.3, 0.2],
      [0.3, 0.4],
      [0.5, 0.6],
      [0.7, 0.7],
    ];
    const { saved, done } = await run((steps, useEma) => scores[steps / 3 - 1][Number(useEma)], { ema: 0.9 });
    expect([...saved].map(([name, { state }]) => [name, stepsOf(state)])).toEqual([
      ['best 1', 3],
      ['best 2', -6],
      ['best 3', -9],
      ['bestFusable 3', -9],
      ['best 4', 12],
      ['bestFusable 4', 12],
    ]);
    expect(done).toMatchObject({ best: { epoch: 4, top1: 0.7 }, bestFusable: { epoch: 4, top1: 0.7 } });
    // The result has the weights themselves.
    expect(stepsOf(done.state)).toBe(12);
  });
});

describe('rates', () => {
  test('are those before each step, and the trainer gets them', async () => {
    const { open, calls } = scripted();
    const warm = { warmupEpochs: 1, minLr: 0.2 };
    const { steps, epochs } = await collect(start(warm, { openTrainer: open }));
    // A warm-up of three steps, then a cosine over nine.
    const cosine = Array.from({ length: 9 }, (_, t) => 0.2 + (0.6 * (1 + Math.cos((Math.PI * t) / 9))) / 2);
    const rates = [0.8 / 3, 1.6 / 3, 0.8, ...cosine];
    const lambdas = [...[0, 1, 2, 3, 4, 5].map((sixths) => sixths / 6), 1, 1, 1, 1, 1, 1];
    calls.steps.forEach(({ lambda, optimizer }, i) => {
      expect(lambda).toBeCloseTo(lambdas[i], 15);
      expect(optimizer.lr).toBeCloseTo(rates[i], 15);
      expect(steps[i]).toMatchObject({ lambda, lr: optimizer.lr });
    });
    expect(epochs.map(({ lr }) => lr)).toEqual([2, 5, 8, 11].map((i) => steps[i].lr));
  });

  test('the average is updated in every step if the recipe has one, with its decay', async () => {
    const { calls: without } = await run(() => 0.5);
    expect(without.steps.map((options) => 'emaDecay' in options)).toEqual(Array(12).fill(false));
    const { calls } = await run(() => 0.5, { ema: 0.9 });
    expect(calls.steps.map(({ emaDecay }) => emaDecay)).toEqual(Array(12).fill(0.9));
  });
});

describe('mixing', () => {
  /** The largest target of each image. */
  async function largestTargets(more: Partial<Recipe>): Promise<number[]> {
    const { open } = scripted();
    const largest: number[] = [];
    const openTrainer: RunOptions['openTrainer'] = async (network, options) => {
      const trainer = await open(network, options);
      return {
        ...trainer,
        step(x, targets, step) {
          for (let i = 0; i < 4; i++) largest.push(Math.max(...targets.subarray(10 * i, 10 * i + 10)));
          return trainer.step(x, targets, step);
        },
      };
    };
    await collect(start({ smoothing: 0, ...more }, { openTrainer }));
    return largest;
  }

  test.each([
    ['mixup', { mixup: 1e-4, cutmix: 1, mixupSwitchProb: 0 }, { mixup: 1, cutmix: 1e-4, mixupSwitchProb: 0 }],
    ['CutMix', { mixup: 1, cutmix: 1e-4, mixupSwitchProb: 1 }, { mixup: 1e-4, cutmix: 1, mixupSwitchProb: 1 }],
  ])('%s has its own α', async (_, small, large) => {
    const unmixed = async (more: Partial<Recipe>): Promise<number> => {
      const targets = await largestTargets({ ...more, epochs: 10 });
      return targets.filter((value) => value > 0.99).length / targets.length;
    };
    // A small α draws 0 or 1: mixup then swaps images or leaves them, and half of the boxes of CutMix are empty.
    expect(await unmixed(small)).toBeGreaterThan(0.4);
    expect(await unmixed(large)).toBeLessThan(0.3);
  });

  test('is drawn for a share of the batches', async () => {
    const mixed = async (mixupProb: number): Promise<number> => {
      const targets = await largestTargets({ mixup: 1, mixupProb, epochs: 10 });
      return targets.filter((value) => value < 1).length / targets.length;
    };
    expect(await mixed(0)).toBe(0);
    const [half, always] = [await mixed(0.5), await mixed(1)];
    expect(half).toBeGreaterThan(0);
    expect(always).toBeGreaterThan(half);
  });
});

test('smoothing and the size of the batch reach the loader', async () => {
  const rows: number[][] = [];
  const { open } = scripted();
  const openTrainer: RunOptions['openTrainer'] = async (network, options) => {
    const trainer = await open(network, options);
    return {
      ...trainer,
      step(x, targets, step) {
        expect([x.length, targets.length]).toEqual([6 * 3 * 64, 60]);
        rows.push([...targets.subarray(0, 10)].sort((a, b) => a - b));
        return trainer.step(x, targets, step);
      },
    };
  };
  await collect(start({ smoothing: 0.2, batchSize: 6, epochs: 1, decayEpochs: 0 }, { openTrainer }));
  // off = s/C, on = 1 − s + s/C
  const expected = [...Array<number>(9).fill(Math.fround(0.02)), Math.fround(0.82)];
  expect(rows).toEqual([expected, expected]);
});

describe('more epochs than before', () => {
  /** The checkpoint at the end of a run, and after each step of it. */
  async function checkpointsOf(more: Partial<Recipe>): Promise<Checkpoint[]> {
    const checkpoints: Checkpoint[] = [];
    for await (const progress of start(more, { openTrainer: scripted().open })) {
      checkpoints.push(await progress.checkpoint());
    }
    return checkpoints;
  }
  const short = { warmupEpochs: 1, minLr: 0.1 };

  /** Follows a run, and the images of its steps. */
  async function follow(epochs: number, options: RunOptions = {}) {
    const { open, calls } = scripted();
    const images: number[][] = [];
    const openTrainer: RunOptions['openTrainer'] = async (network, trainerOptions) => {
      const trainer = await open(network, trainerOptions);
      return {
        ...trainer,
        step(x, targets, step) {
          images.push([...x.subarray(0, 64)]);
          return trainer.step(x, targets, step);
        },
      };
    };
    const { steps, epochs: records, done } = await collect(start({ ...short, epochs }, { openTrainer, ...options }));
    return { steps, records, done, calls, images };
  }
  const pick = ({ epoch, step, global_step, lambda, lr }: Step) => ({ epoch, step, global_step, lambda, lr });

  test.each([
    ['at its end', -1, 12],
    ['in its third epoch', 9, 8],
  ])('a run that is resumed %s has the rates and images of the longer run', async (_, at, done) => {
    const resume = (await checkpointsOf(short)).at(at);
    expect(resume.globalStep).toBe(done);
    const [longer, whole] = [await follow(7, { resume }), await follow(7)];
    expect(longer.steps.map(pick)).toEqual(whole.steps.slice(done).map(pick));
    expect(longer.images).toEqual(whole.images.slice(done));
    expect(longer.calls.steps).toEqual(whole.calls.steps.slice(done));
    expect(stepsOf(longer.done.state)).toBe(21);
    // The rate jumps: to the cosine over 18 steps after the warm-up, from that over 9.
    const cosine = 0.1 + (0.7 * (1 + Math.cos((Math.PI * (done - 3)) / 18))) / 2;
    expect(longer.steps[0].lr).toBeCloseTo(cosine, 15);
    expect(longer.steps[longer.steps.length - 1].lr).toBeGreaterThan(0.1);
  });

  test('the best epochs so far stay', async () => {
    const resume = (await checkpointsOf(short)).at(-1);
    const best = { best: { epoch: 2, top1: 0.95 }, bestFusable: { epoch: 3, top1: 0.95 } };
    const { done, records } = await follow(6, { resume: { ...resume, ...best } });
    expect(done).toMatchObject(best);
    expect(records.map(({ epoch }) => epoch)).toEqual([5, 6]);
  });

  test('fewer are refused; the same number of a finished run has nothing left to do', async () => {
    const resume = (await checkpointsOf(short)).at(-1);
    expect(() => start({ ...short, epochs: 3 }, { resume })).toThrow(
      refusal(ParamError, 'resume', 'epochs 4 or more, as in the checkpoint', '3'),
    );
    const hint = 'A shorter run would have had other learning rates: start a new one.';
    expect(() => start({ ...short, epochs: 3 }, { resume })).toThrow(expect.objectContaining({ hint }));
    const { steps, records, done } = await follow(4, { resume });
    expect([steps, records, stepsOf(done.state)]).toEqual([[], [], 12]);
  });

  test('other values of the recipe stay', async () => {
    const resume = (await checkpointsOf(short)).at(-1);
    expect(() => start({ ...short, epochs: 6, lr: 0.1 }, { resume })).toThrow(
      refusal(ParamError, 'resume', 'lr 0.8, as in the checkpoint', '0.1'),
    );
    // A run of one epoch has a rise of two thirds, which a longer one would not have.
    const [brief] = await checkpointsOf({ epochs: 1, decayEpochs: 1 / 3 });
    const { decayEpochs: ___, ...unnamed } = { ...recipe, epochs: 6 };
    const more = await collect(train(data, config, unnamed, { resume: brief, openTrainer: scripted().open }));
    expect(more.steps.map(({ lambda }) => lambda)).toEqual(Array(17).fill(1));
    // A rise of λ that nobody chose is that of the checkpoint.
    const { decayEpochs: _, ...values } = { ...recipe, ...short, epochs: 6 };
    const steps = train(data, config, values, { resume, openTrainer: scripted().open });
    expect(await steps.next()).toMatchObject({ value: { epoch: 5, lambda: 1 } });
    await steps.return(undefined as never);
  });
});

describe('the rise of λ', () => {
  const { decayEpochs: _, ...values } = recipe;
  const lambdas = async (more: Partial<Recipe>): Promise<number[]> => {
    const { steps } = await collect(train(data, config, { ...values, ...more }, { openTrainer: scripted().open }));
    return steps.map(({ lambda }) => lambda);
  };

  test('takes two epochs by default', async () => {
    expect((await lambdas({})).filter((lambda) => lambda < 1)).toHaveLength(6);
  });

  test('ends with the last step of a shorter run, if it is not chosen', async () => {
    expect(await lambdas({ epochs: 1 })).toEqual([0, 0.5, 1].map(close));
    expect(await lambdas({ epochs: 2, lambdaPer: 'epoch' })).toEqual([0, 0, 0, 1, 1, 1]);
    expect(await lambdas({ epochs: 1, lambdaPer: 'epoch' })).toEqual([1, 1, 1]);
    expect(await lambdas({ epochs: 1, batchSize: 12 })).toEqual([1]);
  });

  test('is refused if it is chosen too long', () => {
    expect(() => start({ epochs: 1, decayEpochs: 2 })).toThrow(
      refusal(ParamError, 'decayEpochs', `0 to ${2 / 3}, the last step`, '2'),
    );
  });

  test('does not hide a batch larger than the set', () => {
    expect(() => train(data, config, { ...values, batchSize: 13 })).toThrow(
      refusal(ParamError, 'batchSize', 'an integer from 2 to the 12 images', '13'),
    );
  });
});

test('unknown options are refused, with the nearest name', () => {
  const hint = (name: string) => expect.objectContaining({ hint: `Did you mean ${name}?` }) as unknown;
  const refuseOptions = (options: object) => () => start({}, options);
  expect(refuseOptions({ worker: 2 })).toThrow(refusal(ParamError, 'worker', 'openTrainer, workers', 'an unknown key'));
  expect(refuseOptions({ worker: 2 })).toThrow(hint('workers'));
  expect(refuseOptions({ signal: true })).toThrow(refusal(ParamError, 'signal', 'an AbortSignal', 'true'));
  expect(() => start({ decayEpoch: 1 } as Partial<Recipe>)).toThrow(hint('decayEpochs'));
});

describe('fusion at the end of the decay', () => {
  test('replaces the trainer before the first step with λ = 1', async () => {
    const { calls, saved, done } = await run((steps) => steps / 20, { fuseAtDecay: true, ema: 0.9 });
    expect(calls.opened.map(({ config: { form } }) => form)).toEqual(['train', 'deploy']);
    expect(calls.disposed.map(({ form }) => form)).toEqual(['train', 'deploy']);
    const [, { resume }] = calls.opened;
    // Six steps have λ < 1. The optimizer starts again, without moments.
    expect(resume).toMatchObject({ steps: 0, optimizer: new Map() });
    const label = { ...config, lambda: 1 };
    const { open } = scripted();
    const before = await open(config, { batchSize: 4, seed: 1 });
    for (let i = 0; i < 6; i++) {
      await before.step(new Float32Array(0), new Float32Array(10), { lambda: 0, optimizer: { kind: 'adam', lr: 1 } });
    }
    expect(resume?.state).toEqual(fuseState(await before.state(), label).state);
    expect(resume?.ema).toEqual(fuseState(await before.ema(), label).state);
    expect(calls.steps.map(({ lambda }) => lambda === 1)).toEqual([
      ...Array<boolean>(6).fill(false),
      ...Array<boolean>(6).fill(true),
    ]);
    // The deploy form's weights are labeled as such. The script counts from the fusion on: its scores are lower.
    expect(done.config).toMatchObject({ form: 'deploy', lambda: 1 });
    expect(
      [...saved].map(
        ([
          name,
          {
            config: { form },
          },
        ]) => [name, form],
      ),
    ).toEqual([
      ['best 1', 'train'],
      ['best 2', 'train'],
      ['bestFusable 3', 'deploy'],
      ['bestFusable 4', 'deploy'],
    ]);
  });

  test('without an average fuses the weights alone', async () => {
    const { calls } = await run(() => 0.5, { fuseAtDecay: true });
    expect(calls.opened[1].resume).not.toHaveProperty('ema');
  });

  test('is off by default', async () => {
    const { calls, done } = await run(() => 0.5);
    expect(calls.opened).toHaveLength(1);
    expect(done.config.form).toBe('train');
  });
});

describe('a signal', () => {
  const reason = new Error('enough');

  test('that is aborted ends the run before anything is opened', async () => {
    const { open, calls } = scripted();
    await expect(start({}, { openTrainer: open, signal: AbortSignal.abort(reason) }).next()).rejects.toBe(reason);
    expect(calls.opened).toEqual([]);
  });

  test.each([
    ['within an epoch', 4],
    ['before the evaluation of an epoch', 3],
    ['after the last step', 12],
  ])('ends the run after the current step: %s', async (_, last) => {
    const { open, calls } = scripted();
    const controller = new AbortController();
    const progress = start({}, { openTrainer: open, signal: controller.signal });
    const follow = async (): Promise<void> => {
      for await (const { global_step } of progress) if (global_step === last) controller.abort(reason);
    };
    await expect(follow()).rejects.toBe(reason);
    expect(calls.steps).toHaveLength(last);
    expect(calls.disposed).toHaveLength(1);
    expect(await progress.next()).toEqual({ done: true, value: undefined });
  });

  test('that is aborted during a step hands that step out first', async () => {
    const { open, calls } = scripted();
    const controller = new AbortController();
    const openTrainer: RunOptions['openTrainer'] = async (network, options) => {
      const trainer = await open(network, options);
      return {
        ...trainer,
        step(...args) {
          if (calls.steps.length === 1) controller.abort(reason);
          return trainer.step(...args);
        },
      };
    };
    const progress = start({}, { openTrainer, signal: controller.signal });
    await progress.next();
    expect(await progress.next()).toMatchObject({ value: { kind: 'step', global_step: 2 } });
    await expect(progress.next()).rejects.toBe(reason);
    expect([calls.steps.length, calls.disposed.length]).toEqual([2, 1]);
  });

  test('that is aborted in an evaluation ends it after the current batch', async () => {
    const controller = new AbortController();
    const { open, calls } = scripted(() => {
      controller.abort(reason);
      return 0.5;
    });
    const progress = start({}, { openTrainer: open, signal: controller.signal });
    await expect(collect(progress)).rejects.toBe(reason);
    expect([calls.steps.length, calls.evaluations.length, calls.disposed.length]).toEqual([3, 1, 1]);
  });

  test('that is aborted after the last evaluation still ends the run', async () => {
    const { open, calls } = scripted();
    const controller = new AbortController();
    const follow = async (): Promise<void> => {
      for await (const { kind, epoch } of start({}, { openTrainer: open, signal: controller.signal })) {
        if (kind === 'epoch' && epoch === 4) controller.abort(reason);
      }
    };
    await expect(follow()).rejects.toBe(reason);
    expect(calls.disposed).toHaveLength(1);
  });
});

describe('the trainer is disposed once', () => {
  test('if the caller ends the run', async () => {
    const { open, calls } = scripted();
    const progress = start({}, { openTrainer: open });
    await progress.next();
    await progress.return(undefined as never);
    expect(calls.disposed).toHaveLength(1);
  });

  test('at the end of the run', async () => {
    expect((await run(() => 0.5)).calls.disposed).toHaveLength(1);
  });

  test('if a step fails; only errors of the data have a resume point', async () => {
    const points: unknown[] = [];
    const failWith = async (error: Error, wantsPoints = true): Promise<number> => {
      const { open, calls } = scripted();
      const openTrainer: RunOptions['openTrainer'] = async (network, options) => {
        const trainer = await open(network, options);
        return {
          ...trainer,
          step(...args) {
            if (calls.steps.length === 2) throw error;
            return trainer.step(...args);
          },
        };
      };
      const onResumePoint: RunOptions['onResumePoint'] = ({ globalStep, error: cause }) => {
        points.push([globalStep, cause]);
      };
      const options = wantsPoints ? { openTrainer, onResumePoint } : { openTrainer };
      await expect(collect(start({}, options))).rejects.toBe(error);
      return calls.disposed.length;
    };
    expect(await failWith(new TypeError('a fault'))).toBe(1);
    expect(points).toEqual([]);
    const error = new DataError({ op: 'a.png', expected: 'an image', got: 'nothing' });
    expect(await failWith(error)).toBe(1);
    expect(points).toEqual([[2, error]]);
    expect(await failWith(error, false)).toBe(1);
    expect(points).toHaveLength(1);
  });
});
