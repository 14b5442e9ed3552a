import { forward, tensor, valuesOf, type Config, type ForwardResult } from '../../reference/index.js';
import type { Backend, Session } from '../core/backend.js';
import type { ModelConfig } from '../core/config.js';
import { BackendUnavailableError } from '../core/errors.js';
import { checkModelConfig, modulesByPart } from '../core/network.js';
import type { FloatArray, StateDict, Tensor } from '../core/tensor.js';
import { checkStream, collectState } from '../core/weights.js';
import { fromOracle, stateToOracle } from './state.js';

/** The keys of a configuration that the reference needs. */
export const toOracleConfig = (config: ModelConfig): Config => ({
  dims: config.dims,
  strides: config.strides,
  ada_pool: config.ada_pool,
  article_stem: config.article_stem,
  in_chans: config.in_chans,
  num_classes: config.num_classes,
  act_num: config.act_num,
  drop_rate: config.drop_rate,
  form: config.form,
});

class OracleSession implements Session {
  readonly info = { dtype: 'float64' };
  #opened: { readonly config: ModelConfig; readonly weights: ReturnType<typeof stateToOracle> } | null;

  constructor(state: StateDict, config: ModelConfig) {
    this.#opened = { config, weights: stateToOracle(state) };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- an error must reject, not throw
  async forward(x: FloatArray, n: number): Promise<Float64Array> {
    return valuesOf(this.#run(x, n).logits);
  }

  /** For both forms: the modules of the train form are matched to those of the deploy form. */
  // eslint-disable-next-line @typescript-eslint/require-await -- as above
  async features(x: FloatArray, n: number, layers: readonly string[]): Promise<Map<string, Tensor>> {
    const { steps, modules } = this.#run(x, n);
    const maps = new Map<string, Tensor>();
    for (const { layer, trace } of steps) {
      const module = modules.get(layer.name) ?? '';
      // Later layers of a module overwrite earlier ones.
      if (layers.includes(module)) maps.set(module, fromOracle(trace.y));
    }
    return maps;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- as above
  async layers(x: FloatArray, n: number): Promise<Map<string, Tensor>> {
    return new Map(this.#run(x, n).steps.map(({ layer, trace }) => [layer.name, fromOracle(trace.y)]));
  }

  dispose(): void {
    this.#opened = null;
  }

  #run(x: FloatArray, n: number): ForwardResult & { readonly modules: ReadonlyMap<string, string> } {
    if (this.#opened === null) {
      throw new BackendUnavailableError({
        op: 'reference',
        expected: 'an open session',
        got: 'a disposed session',
      });
    }
    const { config, weights } = this.#opened;
    const batch = tensor(x, [n, config.in_chans, ...config.input_size]);
    const lambda = config.lambda ?? undefined;
    const result = forward(toOracleConfig(config), weights, batch, { training: false, lambda });
    return { ...result, modules: modulesByPart(config) };
  }
}

/**
 * The float64 reference as a backend, slow but exact, for both forms. The train form requires `lambda` in the
 * configuration.
 */
export const referenceBackend: Backend = {
  name: 'reference',
  async open(weights, config) {
    checkStream(weights);
    checkModelConfig(config);
    return new OracleSession(await collectState(weights), config);
  },
};
