/**
 * Cases of training steps of a whole network. The bounds are those of test/judges/training/trajectory.ts: eight standard
 * deviations of what the rounding errors of every layer amount to, for the norm of each tensor.
 */
import { uniform } from '../../reference/index.js';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { resolveStep, type OptimizerStep } from '../../src/core/optimizer.js';
import type { StateDict, Tensor } from '../../src/core/tensor.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import { IEEE } from '../../test/judges/arithmetic.js';
import { judgeTrajectory, type Trajectory } from '../../test/judges/training/trajectory.js';
import { untrainedState } from '../../test/judges/training/untrainedState.js';
import { vanishing } from '../../test/judges/training/vanishing.js';
import type { Case, Expected, Fault } from '../vectors.js';
import { draw, fill } from './draw.js';
import { makeCase, type Results } from './makeCase.js';

const CONFIG: ModelConfig = resolveConfig({
  ...{ dims: [4, 6, 8], strides: [2, 1], num_classes: 5, act_num: 2, input_size: [16, 16], form: 'train' },
});
const [BATCH, CLASSES, SMOOTHING] = [6, 5, 0.1];

interface Training {
  readonly steps: number;
  readonly lambdas: readonly number[];
  readonly optimizer: OptimizerStep;
  readonly runningVar?: 'unbiased' | 'biased';
}

const images = (step: number): Tensor => draw([BATCH, 3, 16, 16], 70 + step, -2, 2);

/** Smoothed targets of drawn classes. */
const targets = (step: number): Tensor =>
  fill([BATCH, CLASSES], (i) => {
    const label = Math.floor(CLASSES * uniform(80 + step, 0, Math.floor(i / CLASSES)));
    return SMOOTHING / CLASSES + (i % CLASSES === label ? 1 - SMOOTHING : 0);
  });

const isCounter = (name: string): boolean => name.endsWith('.num_batches_tracked');

/** Weights of float32. */
const initial = (): StateDict =>
  new Map(
    [...untrainedState(CONFIG)].map(([name, { data, shape }]) => [name, { data: Float32Array.from(data), shape }]),
  );

/** What the reference computes: losses, logits of the last step, and the state afterwards. */
async function run({ steps, lambdas, optimizer, runningVar = 'unbiased' }: Training): Promise<Map<string, Tensor>> {
  const trainer = oracleTrainer(CONFIG, { seed: 1, batchSize: BATCH, state: initial(), runningVar });
  const losses: number[] = [];
  let logits: Tensor = { data: new Float64Array(0), shape: [0] };
  for (let step = 0; step < steps; step++) {
    const outcome = await trainer.step(images(step).data, targets(step).data, { lambda: lambdas[step], optimizer });
    losses.push(outcome.loss);
    logits = { data: Float64Array.from(outcome.logits), shape: [BATCH, CLASSES] };
  }
  const { state, optimizer: moments } = await trainer.snapshot();
  trainer.dispose();
  const results = new Map<string, Tensor>([
    ['loss', { data: Float64Array.from(losses), shape: [steps] }],
    ['logits', logits],
  ]);
  const without = new Set(vanishing(CONFIG, lambdas[0]).map(({ bias }) => bias));
  for (const [name, { data, shape }] of state) {
    if (!isCounter(name)) results.set(`new_state.${name}`, { data: Float64Array.from(data), shape });
  }
  // The momentum after one step of SGD without decay is the gradient.
  if (optimizer.kind === 'sgd' && steps === 1) {
    for (const [name, { data, shape }] of moments) {
      const parameter = name.replace('momentum_buffer.', '');
      // In exact arithmetic, biases before a normalization have no gradient.
      results.set(`grad.${parameter}`, {
        data: Float64Array.from(data, (v) => (without.has(parameter) ? 0 : v)),
        shape,
      });
    }
  }
  return results;
}

/** The bounds of the results, by their names. */
async function boundsOf({ steps, lambdas, optimizer }: Training): Promise<ReadonlyMap<string, number>> {
  const trajectory: Trajectory = {
    ...{ label: 'conformance', config: CONFIG, state: initial(), n: BATCH, gradAccumSteps: 1 },
    ...{ loss: 'cross-entropy', seed: 1, steps },
    batch: (step) => ({ x: images(step).data, targets: targets(step).data, lambda: lambdas[step], optimizer }),
  };
  const judgments = await judgeTrajectory(trajectory, IEEE);
  const { bounds } = judgments[steps - 1];
  const renamed = new Map<string, number>();
  for (const [name, bound] of bounds) {
    if (name === 'logits') renamed.set(name, bound);
    else if (name.startsWith('momentum_buffer.')) renamed.set(name.replace('momentum_buffer.', 'grad.'), bound);
    else if (!name.startsWith('exp_avg')) renamed.set(`new_state.${name}`, bound);
  }
  renamed.set('loss', Math.hypot(...judgments.map((each) => each.bounds.get('loss') ?? NaN)));
  return renamed;
}

/**
 * Biases before a normalization have no gradient: with weight decay apart from the gradient, Adam divides their rounding
 * errors by themselves, and every port moves them elsewhere, along with the running means that contain them.
 */
function drifting({ kind }: Required<OptimizerStep>): ReadonlySet<string> {
  if (kind !== 'adamw' && kind !== 'lamb') return new Set();
  const names = vanishing(CONFIG, 0.5).map(({ bias }) => bias);
  const means = [...initial().keys()].filter((name) => name.endsWith('.running_mean'));
  return new Set([...names, ...means].map((name) => `new_state.${name}`));
}

async function trainingCase(
  name: string,
  training: Training,
  faults: readonly (Omit<Fault, 'outputs'> & Partial<Training>)[] = [],
): Promise<Case> {
  const { steps, lambdas, optimizer, runningVar = 'unbiased' } = training;
  const bounds = await boundsOf(training);
  const skip = drifting(resolveStep(optimizer));
  const results = (values: ReadonlyMap<string, Tensor>): Results =>
    new Map(
      [...values].flatMap(([output, each]): [string, Expected][] => {
        const bound = bounds.get(output);
        if (bound === undefined || skip.has(output)) return [];
        return [[output, { values: each, bound: { data: Float32Array.of(bound * (1 + 2 ** -20)), shape: [] } }]];
      }),
    );
  const { dims, strides, ada_pool, in_chans, num_classes, act_num } = CONFIG;
  const { lr, betas, eps, weightDecay, momentum } = resolveStep(optimizer);
  const settings = optimizer.kind === 'sgd' ? { momentum } : { betas, eps };
  const stack = (of: (step: number) => Tensor): Tensor => ({
    data: Float32Array.from(Array.from({ length: steps }, (_, step) => [...of(step).data]).flat()),
    shape: [steps, ...of(0).shape],
  });
  return makeCase({
    ...{ name: `train/${name}`, op: 'train' },
    attributes: {
      ...{ dims, strides, ada_pool, in_chans, num_classes, act_num, form: 'train' },
      ...{ lambda: lambdas, loss: 'cross_entropy', running_var: runningVar },
      optimizer: { kind: optimizer.kind, lr, weight_decay: weightDecay, ...settings },
      decayed: resolveStep(optimizer).decayVectors ? 'all' : 'tensors of two or more dimensions',
    },
    inputs: new Map([
      ['x', stack(images)],
      ['targets', stack(targets)],
      ...[...initial()].filter(([key]) => !isCounter(key)).map(([key, value]) => [`state.${key}`, value] as const),
    ]),
    outputs: results(await run(training)),
    faults: await Promise.all(
      faults.map(async ({ name: fault, description, ...change }) => ({
        ...{ name: fault, description },
        outputs: results(await run({ ...training, ...change })),
      })),
    ),
  });
}

export async function trainingCases(): Promise<Case[]> {
  const three = { steps: 3, lambdas: [0.25, 0.5, 0.75] };
  const adam: OptimizerStep = { kind: 'adam', lr: 1e-3, weightDecay: 0.1 };
  const adamw: OptimizerStep = { kind: 'adamw', lr: 1e-3, weightDecay: 5, decayVectors: true };
  const relu = { name: 'relu', description: 'λ is ignored: ReLU', lambdas: [0, 0, 0] };
  return [
    await trainingCase(
      'gradients',
      { steps: 1, lambdas: [0.25], optimizer: { kind: 'sgd', lr: 0.1, momentum: 0.9, weightDecay: 0 } },
      [
        { name: 'biased-variance', description: 'running_var averages the biased variance', runningVar: 'biased' },
        { name: 'one-minus-lambda', description: 'the slope is 1 − λ', lambdas: [0.75] },
        { ...relu, lambdas: [0] },
      ],
    ),
    await trainingCase('adam', { ...three, optimizer: adam }, [
      { name: 'biased-variance', description: 'running_var averages the biased variance', runningVar: 'biased' },
    ]),
    await trainingCase('adam-with-paddle-statistics', { ...three, optimizer: adam, runningVar: 'biased' }, [
      {
        name: 'unbiased-variance',
        description: 'running_var averages the unbiased variance, as in PyTorch',
        runningVar: 'unbiased',
      },
    ]),
    await trainingCase('adamw', { ...three, optimizer: adamw }, [
      {
        name: 'coupled-decay',
        description: 'the weight decay is added to the gradient, as in Adam',
        optimizer: { ...adamw, kind: 'adam' },
      },
      relu,
    ]),
    await trainingCase('lamb', { ...three, optimizer: { kind: 'lamb', lr: 5e-3, weightDecay: 0.35 } }, [relu]),
  ];
}
