import {
  deviation,
  tensor,
  vanillaNet,
  valuesOf,
  type Config,
  type Layer,
  type Rounding,
  type State,
} from '../../reference/index.js';
import type { ModelConfig } from '../core/config.js';
import type { StateDict, Tensor } from '../core/tensor.js';
import { toOracleConfig } from '../oracle/backend.js';
import { stateToOracle, toOracle } from '../oracle/state.js';

/** The output in float64, and the largest error of float32, element by element. */
export interface ReferenceOutput {
  readonly exact: Float64Array;
  readonly bound: Float64Array;
}

/** Runs layers of the reference on any input. */
export class ReferenceLayers {
  readonly #config: Config;
  readonly #state: State;
  readonly #lambda: number | undefined;
  readonly #layers: readonly Layer[];

  constructor(state: StateDict, config: ModelConfig) {
    this.#config = toOracleConfig(config);
    this.#state = stateToOracle(state);
    this.#lambda = config.lambda ?? undefined;
    this.#layers = vanillaNet(this.#config);
  }

  /**
   * Runs layers first to last on x. The error bound of each layer is propagated through the next, because the outputs
   * between are not known.
   *
   * @param first position of the first layer
   * @param last position of the last layer
   * @param x [n,c,h,w]; the bound includes its rounding to float32
   * @param by how the candidate rounds; to nearest by default
   */
  run(first: number, last: number, x: Tensor, by?: Rounding): ReferenceOutput {
    let map = toOracle(x);
    let error = tensor(
      x.data.map((v) => Math.abs(v - Math.fround(v))),
      x.shape,
    );
    for (const layer of this.#layers.slice(first, last + 1)) {
      const trace = layer.forward(map, this.#state, { training: false, lambda: this.#lambda });
      error = deviation({ layer, x: map, trace }, error, this.#config, this.#state, this.#lambda, by).total;
      map = trace.y;
    }
    return { exact: valuesOf(map), bound: valuesOf(error) };
  }
}
