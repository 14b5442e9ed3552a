/** Three steps of a fine-tuning with the reference have PyTorch's losses and weights: frozen parts, frozen statistics, a rate of the head's own. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Form } from '../../src/core/config.js';
import type { OptimizerStep } from '../../src/core/optimizer.js';
import { isCounter } from '../../src/core/parameters.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';

const python = process.env.VANILLANET_PYTHON;
const SCRIPT = fileURLToPath(new URL('fine_tune.py', import.meta.url));
const path = temporaryFolder();
const [STEPS, N] = [3, 4];
/** In float64, where both add up in another order. */
const DOUBLE = 1e-11;

interface Case {
  readonly form: Form;
  readonly lambda: number;
  readonly freeze: readonly string[];
  readonly optimizer: OptimizerStep & { readonly lr: number; readonly headLr: number };
}

const CASES: Readonly<Record<string, Case>> = {
  'the stem, and all statistics of the backbone': {
    ...{ form: 'train', lambda: 1, freeze: ['stem', 'bn'] },
    optimizer: { kind: 'adamw', lr: 0.01, headLr: 0.05, weightDecay: 0.3, eps: 0.01 },
  },
  'the backbone': {
    ...{ form: 'train', lambda: 1, freeze: ['backbone'] },
    optimizer: { kind: 'sgd', lr: 0.01, headLr: 0.1, momentum: 0.9, weightDecay: 0.1 },
  },
  'a stage, while λ rises': {
    ...{ form: 'train', lambda: 0.25, freeze: ['stages.0'] },
    optimizer: { kind: 'sgd', lr: 0.02, headLr: 0.005, momentum: 0.9, nesterov: true, weightDecay: 0.1 },
  },
  'statistics alone': {
    ...{ form: 'train', lambda: 1, freeze: ['bn'] },
    optimizer: { kind: 'adam', lr: 0.01, headLr: 0.02, weightDecay: 0.1, eps: 0.01 },
  },
  'the head': {
    ...{ form: 'train', lambda: 1, freeze: ['head'] },
    optimizer: { kind: 'sgd', lr: 0.01, headLr: 0.02, weightDecay: 0.1 },
  },
  'the stem of fused weights': {
    ...{ form: 'deploy', lambda: 1, freeze: ['stem'] },
    optimizer: { kind: 'adamw', lr: 0.01, headLr: 0.05, weightDecay: 0.3, eps: 0.01 },
  },
};

const configOf = ({ form, lambda }: Case) => drawnConfig(form, { lambda });

function inputsOf(each: Case) {
  const config = configOf(each);
  const x = drawnImages(config, STEPS * N);
  const targets = Float32Array.from({ length: STEPS * N * config.num_classes }, (_, i) => (i % 7 === 0 ? 0.8 : 0.05));
  return { config, x, targets };
}

function jobOf(name: string, each: Case): object {
  const { in_chans, dims, strides, num_classes, act_num, form } = configOf(each);
  const { kind, lr, headLr: head_lr, weightDecay: weight_decay, momentum, nesterov, eps } = each.optimizer;
  return {
    network: { in_chans, dims, strides, num_classes, act_num, form, slope: each.lambda },
    ...{ weights: path(`${name}.weights`), inputs: path(`${name}.inputs`), result: path(`${name}.json`) },
    freeze: each.freeze,
    // JSON leaves out what is undefined.
    optimizer: { kind, lr, head_lr, weight_decay, momentum, nesterov, eps },
  };
}

interface Result {
  readonly losses: readonly number[];
  readonly state: Readonly<Record<string, readonly number[]>>;
}

/** The same steps with the reference, which the other backends are judged by: frozenSteps.test.ts, and the trajectories. */
async function trainHere(each: Case): Promise<Result> {
  const { config, x, targets } = inputsOf(each);
  const trainer = oracleTrainer(config, { seed: 0, batchSize: N, state: drawnState(config), freeze: each.freeze });
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const part = (values: Float32Array): Float32Array =>
      values.subarray((step * values.length) / STEPS, ((step + 1) * values.length) / STEPS);
    const { lambda, optimizer } = each;
    losses.push((await trainer.step(part(Float32Array.from(x.data)), part(targets), { lambda, optimizer })).loss);
  }
  const state = Object.fromEntries([...(await trainer.state())].map(([name, { data }]) => [name, [...data]]));
  trainer.dispose();
  return { losses, state };
}

const resultOf = async (name: string): Promise<Result> =>
  JSON.parse(await readFile(path(`${name}.json`), 'utf8')) as Result;

// PYTHON names an interpreter with PyTorch.
const title = python === undefined ? 'PyTorch: VANILLANET_PYTHON names no Python with torch' : 'PyTorch';
(python === undefined ? describe.skip : describe)(title, () => {
  beforeAll(async () => {
    for (const [name, each] of Object.entries(CASES)) {
      const { config, x, targets } = inputsOf(each);
      await writeFile(path(`${name}.weights`), encodeSafetensors(drawnState(config)));
      const inputs = new Map([
        ['x', { data: x.data, shape: [STEPS, N, ...x.shape.slice(1)] }],
        ['targets', { data: targets, shape: [STEPS, N, config.num_classes] }],
      ]);
      await writeFile(path(`${name}.inputs`), encodeSafetensors(inputs));
    }
    await writeFile(path('jobs.json'), JSON.stringify(Object.entries(CASES).map(([name, each]) => jobOf(name, each))));
    await promisify(execFile)(python ?? '', [SCRIPT, path('jobs.json')]);
  });

  describe.each(Object.entries(CASES))('%s', (name, each) => {
    test('has the same losses and weights in float64', async () => {
      const [here, there] = [await trainHere(each), await resultOf(name)];
      here.losses.forEach((loss, i) => {
        expect(Math.abs(loss - there.losses[i])).toBeLessThan(DOUBLE);
      });
      expect(Object.keys(here.state).sort()).toEqual(Object.keys(there.state).sort());
      for (const [tensor, values] of Object.entries(there.state)) {
        if (isCounter(tensor)) continue;
        const worst = Math.max(...values.map((value, i) => Math.abs(value - here.state[tensor][i])));
        expect([tensor, worst < DOUBLE]).toEqual([tensor, true]);
      }
    });
  });
});
