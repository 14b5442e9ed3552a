/**
 * The PaddlePaddle article's network, its conversion mended (article.py), against this package: both forms, gradients, and
 * three steps of Adam. All numbers are float64.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as reference from '../../reference/index.js';
import { tensor, valuesOf } from '../../reference/index.js';
import type { ModelConfig } from '../../src/core/config.js';
import { WeightsError } from '../../src/core/errors.js';
import { isBuffer } from '../../src/core/parameters.js';
import type { StateDict, Tensor } from '../../src/core/tensor.js';
import { importWeights } from '../../src/formats/importWeights.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend, toOracleConfig } from '../../src/oracle/backend.js';
import { fuseState } from '../../src/oracle/fuse.js';
import { stateToOracle } from '../../src/oracle/state.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { requireClose } from '../judges/golden.js';
import { describeWith } from './frameworks.js';

const path = temporaryFolder();

interface Article {
  readonly sizes: { readonly num_classes: number; readonly input_size: number };
  readonly lambda_: number;
  readonly smoothing: number;
  readonly rate: number;
  readonly decay: number;
  readonly t_max: number;
  readonly targets: readonly number[];
  readonly x: readonly number[];
  readonly train: readonly number[];
  readonly deploy: readonly number[];
  readonly trained: readonly number[];
  readonly losses: readonly number[];
  readonly logits: readonly (readonly number[])[];
  readonly rates: readonly number[];
}

/** PaddlePaddle's kernel has the momentum of running statistics as a float32: the share of a batch is 1 - fround(0.9). */
const SHARE_ERROR = Math.abs((1 - Math.fround(0.9)) / 0.1 - 1);
const EXACT = 1e-12;

const row = (values: readonly number[]) => tensor(Float64Array.from(values), [values.length]);

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/** Requires values within a part of their largest magnitude. */
function requireNear(what: string, got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number): void {
  expect(got).toHaveLength(want.length);
  const most = tolerance * largest(want);
  for (let i = 0; i < got.length; i++) {
    const off = Math.abs(got[i] - want[i]);
    if (!(off <= most)) throw new Error(`${what}[${i}]: ${got[i]}, expected ${want[i]}`);
  }
}

/** The tensors of a file, by PyTorch's names. */
async function stateIn(name: string): Promise<StateDict> {
  const weights = await importWeights(path(name));
  try {
    const state = new Map<string, Tensor>();
    for (const [key, each] of weights.tensors) state.set(key, { shape: each.shape, data: await each.read() });
    return state;
  } finally {
    await weights.close();
  }
}

function pick(state: StateDict, name: string): Tensor {
  const found = state.get(name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

describeWith('PaddlePaddle', (interpreter) => {
  describe("the article's network", () => {
    let article: Article;
    let config: ModelConfig;
    let first: StateDict;

    beforeAll(async () => {
      const script = fileURLToPath(new URL('article.py', import.meta.url));
      await promisify(execFile)(interpreter, [script, path()]);
      article = JSON.parse(await readFile(path('article.json'), 'utf8')) as Article;
      const weights = await importWeights(path('first.pdparams'), { config: { lambda: 1, input_size: 64 } });
      ({ config } = weights);
      first = await weights.readState();
      await weights.close();
    });

    const logitsOf = async (state: StateDict, form: 'train' | 'deploy', lambda: number): Promise<readonly number[]> => {
      const model = await Model.open(state, { ...config, form, lambda }, referenceBackend);
      return [...(await model.forward(Float64Array.from(article.x), article.targets.length))];
    };

    test('is found by its shapes', () => {
      expect(config).toMatchObject({ ...article.sizes, input_size: [64, 64], ada_pool: null, form: 'train' });
    });

    test('has our logits in both forms', async () => {
      requireClose('train', row(await logitsOf(first, 'train', 1)), row(article.train));
      const deploy = await stateIn('deploy.pdparams');
      requireClose('deploy', row(await logitsOf(deploy, 'deploy', 1)), row(article.deploy));
    });

    test('is converted to what we fuse', async () => {
      const deploy = await stateIn('deploy.pdparams');
      const fused = fuseState(first, config);
      expect([...fused.state.keys()].sort()).toEqual([...deploy.keys()].sort());
      for (const [name, { data, shape }] of fused.state) {
        expect(pick(deploy, name).shape).toEqual(shape);
        requireNear(name, data, pick(deploy, name).data, EXACT);
      }
    });

    test('has our gradients', async () => {
      const { sizes, lambda_: lambda, smoothing, targets, x, losses, logits: steps } = article;
      const images = tensor(Float64Array.from(x), [targets.length, 3, sizes.input_size, sizes.input_size]);
      const run = { training: true, lambda } as const;
      const { logits, backward } = reference.forward(toOracleConfig(config), stateToOracle(first), images, run);
      requireClose('logits', logits, row(steps[0]));
      requireClose('loss', reference.labelSmoothingCrossEntropy(logits, targets, smoothing), row([losses[0]]));
      const { grads } = backward(reference.labelSmoothingCrossEntropyBackward(logits, targets, smoothing));
      const theirs = await stateIn('gradients.pdparams');
      expect([...grads.keys()].sort()).toEqual([...theirs.keys()].sort());
      const most = [...theirs.values()].reduce((all, { data }) => Math.max(all, largest(data)), 0);
      for (const [name, gradient] of grads) {
        const want = pick(theirs, name).data;
        // A bias before a normalization has none: both sides are rounding noise.
        if (largest(want) > EXACT * most) requireNear(name, valuesOf(gradient), want, 1e-11);
        else expect(largest(valuesOf(gradient))).toBeLessThan(EXACT * most);
      }
    });

    test('makes the same three steps of Adam', async () => {
      const { sizes, lambda_: lambda, smoothing, rate, decay, t_max: tMax, targets, x, losses, rates } = article;
      const shares = new Float64Array(targets.length * sizes.num_classes).fill(smoothing / sizes.num_classes);
      targets.forEach((target, i) => (shares[i * sizes.num_classes + target] += 1 - smoothing));
      const trainer = oracleTrainer(config, { seed: 0, state: first, runningVar: 'biased' });
      for (const [step, loss] of losses.entries()) {
        const lr = reference.cosineAnnealing(step, { baseLr: rate, tMax });
        requireNear('rate', [rates[step]], [lr], EXACT);
        const optimizer = { kind: 'adam', lr, weightDecay: decay } as const;
        const outcome = await trainer.step(Float64Array.from(x), shares, { lambda, optimizer });
        requireClose('loss', outcome.loss, row([loss]));
        requireClose('logits', row([...outcome.logits]), row(article.logits[step]));
      }
      const theirs = await stateIn('trained.pdparams');
      const ours = await trainer.state();
      expect(theirs.size).toBeGreaterThan(70);
      for (const [name, { data }] of theirs) {
        const tolerance = isBuffer(name) ? losses.length * SHARE_ERROR : EXACT;
        requireNear(name, pick(ours, name).data, data, tolerance);
      }
      requireClose('trained', row(await logitsOf(theirs, 'train', lambda)), row(article.trained));
    });

    test('has an optimizer that is no weights', async () => {
      const opened = importWeights(path('trained.pdopt'));
      await expect(opened).rejects.toThrow(
        refusal(WeightsError, 'trained.pdopt', 'weights', 'the state of an optimizer'),
      );
    });
  });
});
