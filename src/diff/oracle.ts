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

/** float64's answer, and how far float32 may be from it, element by element. */
export interface OracleResult {
  readonly exact: Float64Array;
  readonly bound: Float64Array;
}

/** The reference, layer by layer, on any numbers. */
export class Oracle {
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
   * Layers one after the other, on x as it is: what was wrong before does not count. Nobody
   * saw what lies between them, so that what each may be off by is carried on through the next.
   *
   * @param first @param last positions in the chain, both included
   * @param x [n,c,h,w], which float32 holds, or has still to round
   * @param by how it is rounded; by default to nearest
   */
  run(first: number, last: number, x: Tensor, by?: Rounding): OracleResult {
    let map = toOracle(x);
    let e = tensor(
      x.data.map((v) => Math.abs(v - Math.fround(v))),
      x.shape,
    );
    for (const layer of this.#layers.slice(first, last + 1)) {
      const trace = layer.forward(map, this.#state, { training: false, lambda: this.#lambda });
      e = deviation({ layer, x: map, trace }, e, this.#config, this.#state, this.#lambda, by).total;
      map = trace.y;
    }
    return { exact: valuesOf(map), bound: valuesOf(e) };
  }
}
