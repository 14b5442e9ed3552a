/** Training that starts from the weights of another one. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { isCounter } from '../../src/core/parameters.js';
import type { StateDict } from '../../src/core/tensor.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import { fuseState } from '../../src/oracle/fuse.js';
import type { Checkpoint } from '../../src/train/checkpoint.js';
import { checkNewHead, fineTune } from '../../src/train/fineTune.js';
import { initialState } from '../../src/train/initialState.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import type { Recipe } from '../../src/train/recipe.js';
import { train } from '../../src/train/train.js';
import { transferWeights } from '../../src/train/transferWeights.js';
import { refusal } from '../io/refusal.js';
import { drawnState } from '../model/drawnNetwork.js';
import { collect } from './collect.js';
import { on } from './everything.js';

const SIZES = { dims: [8, 12], strides: [2], act_num: 1, input_size: 16, lambda: 1 };
const configOf = (more: object = {}): ModelConfig => resolveConfig({ ...SIZES, num_classes: 4, ...more });
const float32 = (state: StateDict): StateDict =>
  new Map([...state].map(([name, { data, shape }]) => [name, { data: Float32Array.from(data), shape }]));
const weights = { state: float32(drawnState(configOf())), config: configOf() };
const fused = ((): typeof weights => {
  const { state, config } = fuseState(weights.state, weights.config);
  return { state: float32(state), config };
})();

/** Ten classes. */
const data = { train: drawShapes(40, { seed: 3, size: 16 }), validation: null };
const CLASSES = data.train.classNames;
const RECIPE = { epochs: 1, batchSize: 10, lr: 1e-3, seed: 5 } as const satisfies Partial<Recipe>;
const OPTIONS = { openTrainer: on(1) };
const bits = (state: StateDict, names: readonly string[]): unknown[] =>
  names.map((name) => [name, state.get(name)?.data]);

/** The checkpoint after the next step. */
async function firstCheckpoint(run: ReturnType<typeof fineTune>): Promise<Checkpoint> {
  const next = await run.next();
  if (next.done === true) throw new Error('the run has ended');
  const checkpoint = await next.value.checkpoint();
  await run.return(null as never);
  return checkpoint;
}

describe('transferWeights', () => {
  test('draws the head anew for another number of classes, as a training from the beginning does', () => {
    const { state, config, taken, redrawn } = transferWeights(weights, CLASSES, { seed: 5 });
    expect([config.num_classes, config.class_names, config.dims]).toEqual([10, CLASSES, [8, 12]]);
    expect(redrawn).toEqual([
      ...['cls1.2.weight', 'cls1.2.bias', 'cls1.3.weight', 'cls1.3.bias', 'cls1.3.running_mean', 'cls1.3.running_var'],
      ...['cls2.0.weight', 'cls2.0.bias'],
    ]);
    expect(taken.every((name) => /^(stem|stages)/.test(name) && !isCounter(name))).toBe(true);
    expect(taken.length + redrawn.length).toBe([...state.keys()].filter((name) => !isCounter(name)).length);
    expect(bits(state, taken)).toEqual(bits(weights.state, taken));
    const fresh = initialState(config, 5);
    expect(bits(state, redrawn)).toEqual(bits(fresh, redrawn));
    expect([...state.keys()]).toEqual([...fresh.keys()]);
    expect(bits(transferWeights(weights, CLASSES).state, ['cls2.0.weight'])).toEqual(
      bits(initialState(config, 0), ['cls2.0.weight']),
    );
    const cut = { seed: 5, initTruncation: 'two-sigma' } as const;
    expect(bits(transferWeights(weights, CLASSES, cut).state, redrawn)).toEqual(
      bits(initialState(config, 5, 'two-sigma'), redrawn),
    );
  });

  test('takes the head of as many classes, unless a new one is chosen', () => {
    const same = transferWeights(weights, ['a', 'b', 'c', 'd']);
    expect([same.redrawn, same.config.class_names]).toEqual([[], ['a', 'b', 'c', 'd']]);
    expect(same.state).toEqual(weights.state);
    const { redrawn } = transferWeights(weights, ['a', 'b', 'c', 'd'], { newHead: true });
    expect(redrawn).toHaveLength(8);
  });

  test('has one layer to draw in the deploy form', () => {
    const { redrawn, state, config } = transferWeights(fused, CLASSES, { seed: 5 });
    expect([redrawn, config.form]).toEqual([['cls.2.weight', 'cls.2.bias'], 'deploy']);
    expect(bits(state, redrawn)).toEqual(bits(initialState(config, 5), redrawn));
    expect(state.get('cls.2.bias')?.data).toEqual(new Float32Array(10));
  });

  test('adds counters that files of other frameworks lack', () => {
    const state = new Map([...weights.state].filter(([name]) => !isCounter(name)));
    const { state: whole, redrawn, taken } = transferWeights({ ...weights, state }, ['a', 'b', 'c', 'd']);
    expect([...whole.keys()]).toEqual([...weights.state.keys()]);
    expect([redrawn, taken]).toEqual([[], [...state.keys()]]);
  });

  test('checks weights and options', () => {
    const { state } = weights;
    const lacking = new Map([...state].filter(([name]) => name !== 'stem1.0.bias'));
    expect(() => transferWeights({ ...weights, state: lacking }, CLASSES)).toThrow(
      refusal(WeightsError, 'stem1.0.bias', 'a tensor [8]', 'none'),
    );
    expect(() => transferWeights(weights, CLASSES, { newHead: 1 as never })).toThrow(
      refusal(ParamError, 'newHead', 'true or false', '1'),
    );
    expect(() => transferWeights(null as never, CLASSES)).toThrow(ParamError);
    expect(() => transferWeights(weights, 'cat' as never)).toThrow(
      refusal(ParamError, 'classNames', 'a list of texts', 'cat'),
    );
    expect(() => transferWeights(weights, [])).toThrow(refusal(ParamError, 'classNames', '1 to 32768 names', '0'));
    const many = Array.from({ length: 2 ** 15 + 1 }, (_, i) => `${i}`);
    expect(() => transferWeights(weights, many)).toThrow(
      refusal(ParamError, 'classNames', '1 to 32768 names', '32769'),
    );
    expect(transferWeights(weights, ['one']).config.num_classes).toBe(1);
  });
});

describe('fineTune', () => {
  test('trains at λ 1 from the first step, and moves every tensor', async () => {
    const { steps, done } = await collect(fineTune(data, weights, RECIPE, OPTIONS));
    expect(steps.map(({ lambda }) => lambda)).toEqual([1, 1, 1, 1]);
    expect(done.config).toMatchObject({ num_classes: 10, form: 'train', lambda: 1, class_names: CLASSES });
    const { state } = transferWeights(weights, CLASSES, { seed: 5 });
    // As a training from this state.
    const same = await collect(
      train(
        data,
        configOf({ num_classes: 10, class_names: CLASSES }),
        { ...RECIPE, decayEpochs: 0 },
        { ...OPTIONS, state },
      ),
    );
    expect(same.state).toEqual(done.state);
    const still = [...done.state].filter(([name, tensor]) => String(tensor.data) === String(state.get(name)?.data));
    expect(still).toEqual([]);
  });

  test('lets λ rise again if it is told in how many epochs', async () => {
    const { steps } = await collect(fineTune(data, weights, { ...RECIPE, decayEpochs: 0.5 }, OPTIONS));
    expect(steps.map(({ lambda }) => lambda)).toEqual([0, 0.5, 1, 1]);
  });

  test('keeps frozen parts to the bit, also if the network is fused on the way', async () => {
    const recipe = { ...RECIPE, freeze: ['stem', 'bn'], optimizer: 'adamw', weightDecay: 0.5, ema: 0.9 } as const;
    const { done } = await collect(fineTune(data, weights, recipe, OPTIONS));
    const names = [...weights.state.keys()].filter(
      (name) => name.startsWith('stem') || (name.startsWith('stages') && /running|tracked/.test(name)),
    );
    expect(names.length).toBeGreaterThan(20);
    expect(bits(done.state, names)).toEqual(bits(weights.state, names));
    const deploy = await collect(fineTune(data, weights, { ...recipe, fuseAtDecay: true }, OPTIONS));
    expect(deploy.done.config.form).toBe('deploy');
    expect(bits(deploy.done.state, ['stem.0.weight', 'stem.1.bias'])).toEqual(
      bits(fused.state, ['stem.0.weight', 'stem.1.bias']),
    );
  });

  test('gives a new head its own learning rate on the same curve', async () => {
    const rates: unknown[] = [];
    const spy: typeof OPTIONS.openTrainer = async (config, options) => {
      const trainer = await OPTIONS.openTrainer(config, options);
      return {
        ...trainer,
        step: (x, targets, step) => {
          rates.push([step.optimizer.lr, step.optimizer.headLr]);
          return trainer.step(x, targets, step);
        },
      };
    };
    const recipe = { ...RECIPE, lr: 0.5, headLr: 2, warmupEpochs: 0.5 };
    await collect(fineTune(data, weights, recipe, { openTrainer: spy }));
    expect(rates).toEqual([
      [0.25, 1],
      [0.5, 2],
      [0.5, 2],
      [0.25, expect.closeTo(1, 12)],
    ]);
    rates.length = 0;
    await collect(fineTune(data, weights, { ...RECIPE, lr: 0.5, warmupEpochs: 0.5 }, { openTrainer: spy }));
    expect(rates.slice(0, 2)).toEqual([
      [0.25, 0.25],
      [0.5, 0.5],
    ]);
  });

  test('resumes with the same bits, without the weights', async () => {
    const recipe = { ...RECIPE, epochs: 2, freeze: ['stem'], headLr: 0.01 };
    const whole = await collect(fineTune(data, weights, recipe, OPTIONS));
    const run = fineTune(data, weights, recipe, OPTIONS);
    // The end of the first epoch and a step of the second.
    for (let i = 0; i < 5; i++) await run.next();
    const middle = await firstCheckpoint(run);
    expect([middle.epoch, middle.step]).toEqual([1, 1]);
    const other = { ...weights, state: float32(drawnState(configOf(), 9)) };
    const resumed = await collect(fineTune(data, other, recipe, { ...OPTIONS, resume: middle }));
    expect(resumed.state).toEqual(whole.state);
    const changed = fineTune.bind(null, data, other, { ...recipe, freeze: [] }, { ...OPTIONS, resume: middle });
    expect(changed).toThrow(refusal(ParamError, 'resume', 'freeze ["stem"]', '[]'));
  });

  describe('in the deploy form', () => {
    test('begins with the loss of the deploy network', async () => {
      const { steps, done } = await collect(fineTune(data, fused, RECIPE, OPTIONS));
      expect([done.config.form, steps[0].lambda]).toEqual(['deploy', 1]);
      // The batch of the first step, through the reference.
      const batches: Float32Array[] = [];
      const record: typeof OPTIONS.openTrainer = async (config, options) => {
        const trainer = await OPTIONS.openTrainer(config, options);
        return {
          ...trainer,
          step: (x, targets, step) => {
            batches.push(Float32Array.from(x), Float32Array.from(targets));
            return trainer.step(x, targets, step);
          },
        };
      };
      await collect(fineTune(data, fused, RECIPE, { openTrainer: record }));
      const { state, config } = transferWeights(fused, CLASSES, { seed: 5 });
      const { loss } = await oracleTrainer(config, { seed: 0, state }).evaluate(batches[0], batches[1], { lambda: 1 });
      expect(Math.abs(steps[0].loss - loss)).toBeLessThan(1e-6);
      // And that of the network in its train form, which was fused.
      const unfused = transferWeights(weights, CLASSES, { seed: 5 });
      const deploy = fuseState(unfused.state, unfused.config);
      const [of, before] = [deploy, unfused].map(
        async ({ state: all, config: network }) =>
          (await oracleTrainer(network, { seed: 0, state: all }).evaluate(batches[0], batches[1], { lambda: 1 })).loss,
      );
      expect(Math.abs((await of) - (await before))).toBeLessThan(1e-12);
    });

    test('resumes', async () => {
      const recipe = { ...RECIPE, freeze: ['stages'] };
      const whole = await collect(fineTune(data, fused, recipe, OPTIONS));
      const run = fineTune(data, fused, recipe, OPTIONS);
      const resume = await firstCheckpoint(run);
      expect((await collect(fineTune(data, fused, recipe, { ...OPTIONS, resume }))).state).toEqual(whole.state);
    });

    test('has no λ, no batch norms, and nothing to fuse', () => {
      const got = 'the deploy form, which is fused';
      const tune = (recipe: Partial<Recipe>) => () => fineTune(data, fused, { ...RECIPE, ...recipe }, OPTIONS);
      expect(tune({ decayEpochs: 0.5 })).toThrow(refusal(ParamError, 'decayEpochs', '0, or the train form', got));
      expect(tune({ fuseAtDecay: true })).toThrow(refusal(ParamError, 'fuseAtDecay', 'the train form', got));
      expect(tune({ freeze: ['bn'] })).toThrow(refusal(ParamError, 'freeze', 'batch norms', 'bn with the deploy form'));
    });
  });

  test('refuses what does not fit, before anything is computed', () => {
    const tune =
      (recipe: Partial<Recipe>, classes = 10) =>
      () =>
        fineTune(
          data,
          classes === 10
            ? { state: initialState(configOf({ num_classes: 10 }), 1), config: configOf({ num_classes: 10 }) }
            : weights,
          { ...RECIPE, ...recipe },
          OPTIONS,
        );
    expect(tune({ headLr: 1 })).toThrow(refusal(ParamError, 'headLr', 'a new head', 'the head of the weights'));
    expect(tune({ freeze: ['head'] }, 4)).toThrow(
      refusal(ParamError, 'freeze', 'parts of the trained weights', 'head'),
    );
    expect(tune({ freeze: ['head'] })).not.toThrow();
    expect(tune({ freeze: ['stages.1'] })).toThrow(refusal(ParamError, 'freeze', 'stages.0 to stages.0', 'stages.1'));
    expect(tune({ headLr: 0 })).toThrow(refusal(ParamError, 'headLr', 'null or a number > 0', '0'));
    expect(() => fineTune(data, weights, RECIPE, { newHead: 'yes' as never })).toThrow(
      refusal(ParamError, 'newHead', 'true or', 'yes'),
    );
    expect(() => fineTune(data, weights, RECIPE, { state: new Map() } as never)).toThrow(
      refusal(ParamError, 'state', '', 'an unknown key'),
    );
    expect(() => fineTune(null as never, weights, RECIPE)).toThrow(ParamError);
  });

  test.each([
    [[], null, [], null],
    [['head'], null, [], null],
    [['stem'], 1, ['cls2.0.bias'], null],
    [[], 1, [], 'headLr'],
    [['head', 'stem'], null, ['cls2.0.bias'], 'freeze'],
  ])('checkNewHead(%j, %j, %j): %s', (freeze, headLr, redrawn, op) => {
    const check = (): void => {
      checkNewHead({ freeze, headLr }, redrawn);
    };
    if (op === null) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ op }));
  });
});

describe('train', () => {
  const config = configOf({ num_classes: 10 });
  test('takes initial weights, of the form of the configuration', () => {
    const both = { ...OPTIONS, state: initialState(config, 1), resume: null as never };
    expect(() => train(data, config, RECIPE, both)).toThrow(ParamError);
    const deploy = configOf({ num_classes: 10, form: 'deploy' });
    const none = refusal(ParamError, 'train', 'the train form', 'the deploy form');
    expect(() => train(data, deploy, RECIPE, OPTIONS)).toThrow(none);
    expect(() => train(data, deploy, RECIPE, { ...OPTIONS, state: initialState(config, 1) })).toThrow(WeightsError);
    expect(() => train(data, deploy, RECIPE, { ...OPTIONS, state: initialState(deploy, 1) })).not.toThrow();
  });

  test('does not take weights and a checkpoint', async () => {
    const run = train(data, config, RECIPE, OPTIONS);
    const resume = await firstCheckpoint(run);
    const both = (): unknown => train(data, config, RECIPE, { ...OPTIONS, state: initialState(config, 1), resume });
    expect(both).toThrow(refusal(ParamError, 'state', 'initial weights or a checkpoint', 'both'));
  });
});
