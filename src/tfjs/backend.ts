import type { Backend, Session } from '../core/backend.js';
import type { ModelConfig } from '../core/config.js';
import { BackendUnavailableError, ParamError } from '../core/errors.js';
import { checkModelConfig, modulesByPart, planNetwork, type Layer } from '../core/network.js';
import type { FloatArray, StateDict, Tensor } from '../core/tensor.js';
import { checkStream, collectState } from '../core/weights.js';
import { Engine } from './engine.js';
import { forward, imagesOf } from './network.js';
import { runInScope, awaitAll } from './scope.js';
import type { Maps, Tf } from './tf.js';
import { TfjsTraining, type TfjsTrainingOptions } from './training.js';
import { disposeTensors, uploadState, type TfState } from './weights.js';

/** The name under which a layer's output is read; null if it is not read. */
type SelectOutput = (layer: string, isLast: boolean) => string | null;

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

  /** The maps after the named modules, in both forms. Of the layers in one module, the last one's map. */
  async features(x: FloatArray, n: number, layers: readonly string[]): Promise<Map<string, Tensor>> {
    const names = new Set(layers);
    const modules = modulesByPart(this.#config);
    return this.#run(x, n, (layer) => {
      const module = modules.get(layer) ?? '';
      return names.has(module) ? module : null;
    });
  }

  /** The output of every layer, by its name in `planNetwork`; for comparisons layer by layer. */
  async layers(x: FloatArray, n: number): Promise<Map<string, Tensor>> {
    return this.#run(x, n, (name) => name);
  }

  dispose(): void {
    disposeTensors(this.#state?.values() ?? []);
    this.#state = null;
  }

  /** Runs the network and reads the outputs that `select` gives a name. Of outputs with the same name the last is read. */
  async #run(x: FloatArray, n: number, select: SelectOutput): Promise<Map<string, Tensor>> {
    const outputs = await this.#engine.use((tf) =>
      runInScope(tf, (keep) => {
        const maps = this.#selectMaps(tf, x, n, select);
        // NCHW. The transposed copy also belongs to the caller alone: some layers return their input.
        return new Map([...maps].map(([name, y]) => [name, keep(tf.transpose(y, [0, 3, 1, 2]))]));
      }),
    );
    try {
      const reads = [...outputs].map(async ([name, y]) => {
        const data = new Float32Array(await y.data());
        return [name, { data, shape: y.shape }] as const;
      });
      return new Map(await awaitAll(reads));
    } finally {
      disposeTensors(outputs.values());
    }
  }

  /** The selected outputs [n,h,w,c] by their names. Must be called in a scope. @throws BackendUnavailableError */
  #selectMaps(tf: Tf, x: FloatArray, n: number, select: SelectOutput): Map<string, Maps> {
    const state = this.#state;
    if (state === null) {
      throw new BackendUnavailableError({ op: 'tfjs', expected: 'an open session', got: 'one that was disposed of' });
    }
    const { in_chans, input_size, lambda } = this.#config;
    const images = imagesOf(tf, x, [n, in_chans, ...input_size]);
    const { traces } = forward(tf, this.#layers, state, images, { training: false, lambda });
    const maps = new Map<string, Maps>();
    for (const [i, trace] of traces.entries()) {
      const name = select(trace.name, i === traces.length - 1);
      if (name !== null) maps.set(name, trace.y);
    }
    return maps;
  }
}

export interface TfjsBackend extends Backend {
  open(...parameters: Parameters<Backend['open']>): Promise<TfjsSession>;
  /** Opens a training on the same engine. */
  train(state: StateDict, config: ModelConfig, options?: TfjsTrainingOptions): Promise<TfjsTraining>;
}

/**
 * Creates a backend that runs both forms of VanillaNet on TensorFlow.js, with the engine that is active in `tf`.
 *
 *     import * as tf from '@tensorflow/tfjs';
 *     await tf.setBackend('webgpu');
 *     const model = await loadModel('net.safetensors', { backend: createTfjsBackend(tf) });
 *
 * @param tf `@tensorflow/tfjs`, `@tensorflow/tfjs-core` or `@tensorflow/tfjs-node`
 * @throws ParamError if `tf` is not TensorFlow.js; BackendUnavailableError if no engine is active
 */
export function createTfjsBackend(tf: Tf): TfjsBackend {
  // A caller without types may pass anything.
  const value: unknown = tf;
  if (typeof (value as Partial<Tf> | null)?.tidy !== 'function') {
    throw new ParamError({
      op: 'createTfjsBackend',
      expected: 'TensorFlow.js',
      got: value === null ? 'null' : typeof value,
      hint: "Pass the module: import * as tf from '@tensorflow/tfjs'.",
    });
  }
  const engine = new Engine(tf);
  return {
    name: `tfjs:${engine.name}`,
    async open(weights, config) {
      checkStream(weights);
      checkModelConfig(config);
      const state = await collectState(weights);
      return engine.use(() => new TfjsSession(engine, config, uploadState(tf, state)));
    },
    train: (state, config, options) => TfjsTraining.open(engine, state, config, options),
  };
}

export type { TfjsSession };
