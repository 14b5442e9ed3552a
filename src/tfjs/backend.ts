import type { Backend, Session } from '../core/backend.js';
import type { ModelConfig } from '../core/config.js';
import { BackendUnavailableError, ParamError } from '../core/errors.js';
import { modulesByPart, planNetwork, type Layer } from '../core/network.js';
import type { FloatArray, StateDict, Tensor } from '../core/tensor.js';
import { collectState } from '../core/weights.js';
import { Engine } from './engine.js';
import { forward, imagesOf } from './network.js';
import { scope, settled } from './scope.js';
import type { Maps, Tf } from './tf.js';
import { TfjsTraining, type TfjsTrainingOptions } from './training.js';
import { uploadState, type TfState } from './weights.js';

class TfjsSession implements Session {
  readonly info: Readonly<Record<string, string>>;
  readonly #config: ModelConfig;
  readonly #layers: readonly Layer[];
  readonly #engine: Engine;
  #state: TfState | null;

  constructor(engine: Engine, config: ModelConfig, state: TfState) {
    this.info = { engine: engine.name };
    this.#engine = engine;
    this.#config = config;
    this.#layers = planNetwork(config, config.input_size);
    this.#state = state;
  }

  async forward(x: FloatArray, n: number): Promise<FloatArray> {
    const maps = await this.#run(x, n, (name, isLast) => (isLast ? name : null));
    return [...maps.values()][0].data;
  }

  /** Of both forms; the train form has no `cls.0` but the like. */
  async features(x: FloatArray, n: number, layers: readonly string[]): Promise<Map<string, Tensor>> {
    const names = new Set(layers);
    const modules = modulesByPart(this.#config);
    return this.#run(x, n, (layer) => {
      const module = modules.get(layer) ?? '';
      return names.has(module) ? module : null;
    });
  }

  /** Outputs of every layer, by PyTorch's names and those of `planNetwork`. For judging them one by one. */
  async layers(x: FloatArray, n: number): Promise<Map<string, Tensor>> {
    return this.#run(x, n, (name) => name);
  }

  dispose(): void {
    for (const tensor of this.#state?.values() ?? []) tensor.dispose();
    this.#state = null;
  }

  /** Outputs under the names that `keep` gives them; of equals the last stays. */
  async #run(
    x: FloatArray,
    n: number,
    keep: (layer: string, isLast: boolean) => string | null,
  ): Promise<Map<string, Tensor>> {
    const { in_chans, input_size, lambda } = this.#config;
    const kept = await this.#engine.use((tf) => {
      const state = this.#state;
      if (state === null) {
        throw new BackendUnavailableError({ op: 'tfjs', expected: 'an open session', got: 'one that was disposed of' });
      }
      return scope(tf, (keepBeyond) => {
        const images = imagesOf(tf, x, [n, in_chans, ...input_size]);
        const { traces } = forward(tf, this.#layers, state, images, { training: false, lambda });
        const maps = new Map<string, Maps>();
        traces.forEach(({ name, y }, i) => {
          const as = keep(name, i === traces.length - 1);
          if (as !== null) maps.set(as, y);
        });
        // In PyTorch's order, and a tensor of one's own: some layers answer with what they were given.
        return new Map([...maps].map(([name, y]) => [name, keepBeyond(tf.transpose(y, [0, 3, 1, 2]))]));
      });
    });
    try {
      const read = [...kept].map(async ([name, y]) => {
        const data = new Float32Array(await y.data());
        return [name, { data, shape: y.shape }] as const;
      });
      return new Map(await settled(read));
    } finally {
      for (const y of kept.values()) y.dispose();
    }
  }
}

export interface TfjsBackend extends Backend {
  open(...by: Parameters<Backend['open']>): Promise<TfjsSession>;
  /** A network in training on the same engine. */
  train(state: StateDict, config: ModelConfig, options?: TfjsTrainingOptions): Promise<TfjsTraining>;
}

/**
 * Both forms of VanillaNet on TensorFlow.js, by the engine that is at work in `tf`.
 *
 *     import * as tf from '@tensorflow/tfjs';
 *     await tf.setBackend('webgpu');
 *     const model = await loadModel('net.safetensors', { backend: createTfjsBackend(tf) });
 *
 * @throws BackendUnavailableError where no engine is at work
 */
export function createTfjsBackend(tf: Tf): TfjsBackend {
  // A caller without types may pass anything.
  const given: unknown = tf;
  if (typeof (given as Partial<Tf> | null)?.tidy !== 'function') {
    throw new ParamError({
      op: 'createTfjsBackend',
      expected: 'TensorFlow.js',
      got: given === null ? 'null' : typeof given,
    });
  }
  const engine = new Engine(tf);
  return {
    name: `tfjs:${engine.name}`,
    async open(weights, config) {
      const state = await collectState(weights);
      return engine.use(() => new TfjsSession(engine, config, uploadState(tf, state)));
    },
    train: (state, config, options) => TfjsTraining.open(engine, state, config, options),
  };
}

export type { TfjsSession };
