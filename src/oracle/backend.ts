import { forward, tensor, valuesOf, type Config } from '../../reference/index.js';
import type { Backend, Session } from '../core/backend.js';
import type { ModelConfig } from '../core/config.js';
import { BackendUnavailableError } from '../core/errors.js';
import type { FloatArray, StateDict } from '../core/tensor.js';
import { collect } from '../core/weights.js';
import { stateToOracle } from './state.js';

/** The oracle's part of a configuration. */
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
  #opened: { readonly config: ModelConfig; readonly weights: ReturnType<typeof stateToOracle> } | null;

  constructor(state: StateDict, config: ModelConfig) {
    this.#opened = { config, weights: stateToOracle(state) };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- an error must reject, not throw
  async forward(x: FloatArray, n: number): Promise<Float64Array> {
    if (this.#opened === null) {
      throw new BackendUnavailableError({
        op: 'reference',
        expected: 'an open session',
        got: 'one that was disposed of',
      });
    }
    const { config, weights } = this.#opened;
    const batch = tensor(x, [n, config.in_chans, ...config.input_size]);
    const lambda = config.lambda ?? undefined;
    return valuesOf(forward(toOracleConfig(config), weights, batch, { training: false, lambda }).logits);
  }

  dispose(): void {
    this.#opened = null;
  }
}

/**
 * The float64 oracle as a backend: slow, and right. It runs both forms; the train
 * form needs its λ in the configuration.
 */
export const referenceBackend: Backend = {
  name: 'reference',
  async open(weights, config) {
    return new OracleSession(await collect(weights), config);
  },
};
