/** A trainer that computes nothing: its scores follow a script, its weights count the steps, and it notes each call. */
import type { ModelConfig } from '../../src/core/config.js';
import type { StateDict } from '../../src/core/tensor.js';
import { initialState } from '../../src/train/initialState.js';
import type { OpenTrainer } from '../../src/train/runOptions.js';
import type { EvaluateOptions, Snapshot, StepOptions } from '../../src/train/trainer.js';

/** Top-1 on the held-out images after a number of steps. */
export type Script = (steps: number, useEma: boolean) => number;

export interface Calls {
  readonly opened: { readonly config: ModelConfig; readonly resume: Snapshot | undefined }[];
  /** Configurations of the trainers that were disposed. */
  readonly disposed: ModelConfig[];
  readonly steps: StepOptions[];
  /** Of the first batch of each evaluation. */
  readonly evaluations: (EvaluateOptions & { readonly steps: number })[];
}

const MARKED = /^stem1?\.0\.bias$/;

/** The steps that a state has done, negative for the averaged state; its first bias holds them. */
export function stepsOf(state: StateDict): number {
  for (const [name, { data }] of state) if (MARKED.test(name)) return data[0];
  throw new Error('no bias of the stem');
}

function marked(config: ModelConfig, mark: number): StateDict {
  const state = new Map(initialState(config, 1));
  for (const [name, tensor] of state) {
    if (MARKED.test(name)) state.set(name, { ...tensor, data: new Float32Array(tensor.data.length).fill(mark) });
  }
  return state;
}

/** Logits of which the first images of each batch, about a share of them, are right. */
function logitsFor(targets: ArrayLike<number>, classes: number, share: number): Float32Array {
  const n = targets.length / classes;
  const logits = new Float32Array(targets.length);
  for (let i = 0; i < n; i++) {
    const label = Array.from({ length: classes }, (_, c) => targets[i * classes + c]).indexOf(1);
    logits[i * classes + (i < Math.round(n * share) ? label : (label + 1) % classes)] = 1;
  }
  return logits;
}

export function scripted(script: Script = () => 0.5): { readonly open: OpenTrainer; readonly calls: Calls } {
  const calls: Calls = { opened: [], disposed: [], steps: [], evaluations: [] };
  const open: OpenTrainer = (config, { resume, ema }) => {
    calls.opened.push({ config, resume });
    let count = resume?.steps ?? 0;
    let lastEvaluation = '';
    return {
      evaluationBatch: 10,
      step(_, targets, options) {
        calls.steps.push(options);
        count++;
        return { loss: 10 / count, logits: new Float32Array(targets.length) };
      },
      evaluate(_, targets, options) {
        const evaluation = JSON.stringify([count, options]);
        if (evaluation !== lastEvaluation) calls.evaluations.push({ ...options, steps: count });
        lastEvaluation = evaluation;
        const share = script(count, options.useEma ?? false);
        return { loss: 1, logits: logitsFor(targets, config.num_classes, share) };
      },
      state: () => marked(config, count),
      ema: () => marked(config, -count),
      snapshot: () => ({
        state: marked(config, count),
        optimizer: new Map(),
        steps: count,
        ...(ema === true ? { ema: marked(config, -count) } : {}),
      }),
      firstNonFinite: () => null,
      dispose() {
        calls.disposed.push(config);
      },
    };
  };
  return { open, calls };
}
