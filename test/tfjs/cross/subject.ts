/** The interface of a backend for the checks of whole networks. */
import type { ModelConfig } from '../../../src/core/config.js';
import type { Loss, OptimizerStep } from '../../../src/core/optimizer.js';
import type { FloatArray, StateDict } from '../../../src/core/tensor.js';
import { streamOf } from '../../../src/core/weights.js';
import type { Arithmetic } from '../../judges/arithmetic.js';
import type { EngineUnderTest } from './engine.js';

type Maybe<T> = T | Promise<T>;

export interface SubjectTraining {
  pass(
    x: FloatArray,
    q: FloatArray,
    lambda: number,
  ): Maybe<{ readonly losses: FloatArray; readonly logits: FloatArray }>;
  optimize(step: OptimizerStep): Maybe<void>;
  state(): Maybe<StateDict>;
  optimizerState(): Maybe<StateDict>;
  readonly steps: number;
  dispose(): void;
}

export interface Subject {
  readonly arithmetic: Arithmetic;
  open(
    state: StateDict,
    config: ModelConfig,
  ): Promise<{ forward(x: FloatArray, n: number): Promise<FloatArray>; dispose(): void }>;
  train(
    state: StateDict,
    config: ModelConfig,
    options: {
      readonly loss: Loss;
      readonly seed: number;
      readonly batchSize: number;
      readonly freeze: readonly string[];
    },
  ): Promise<SubjectTraining>;
}

export function subjectOf({ tf, parts, arithmetic }: EngineUnderTest): Subject {
  const backend = parts.backend.createTfjsBackend(tf);
  return {
    arithmetic,
    open: (state, config) => backend.open(streamOf(state), config),
    train: (state, config, { loss, seed, freeze }) => backend.train(state, config, { loss, seed, freeze }),
  };
}
