import { fuse, uniform, valuesOf, zeros, type FusionReport } from '../../reference/index.js';
import type { ModelConfig } from '../core/config.js';
import type { FloatArray, StateDict, Tensor } from '../core/tensor.js';
import { toOracleConfig } from './backend.js';
import { fromOracle, stateFromOracle, stateToOracle } from './state.js';

export interface FusedState {
  readonly state: StateDict;
  readonly config: ModelConfig;
  readonly report: FusionReport;
  /** The images it was measured on [n, in_chans, h, w]. */
  readonly probe: Tensor;
  /** Their logits before fusion, and float32's bound for each after it: NaN for those that were not bounded. */
  readonly logits: FloatArray;
  readonly bounds: FloatArray;
  /** The same to first order, for networks so deep that the bound says nothing. */
  readonly firstOrder: FloatArray;
}

/** Images on which fused and unfused are compared. */
const PROBE_IMAGES = 2;

/** Seed of the probe's pixels. */
const PROBE_SEED = 2023;

/**
 * `fuse` of the reference on the core's types. The probe is noise of the
 * deviation that a normalized image has: uniform in ±√3.
 *
 * @param probeSize height and width of the probe; the network's input size where not given
 * @throws FusionError
 */
export function fuseState(
  state: StateDict,
  config: ModelConfig,
  { probeSize = config.input_size }: { readonly probeSize?: readonly [number, number] } = {},
): FusedState {
  const shape = [PROBE_IMAGES, config.in_chans, ...probeSize];
  // λ that nobody states is not 1: NaN is refused by name.
  const lambda = config.lambda ?? NaN;
  const probe = zeros(shape);
  for (let i = 0; i < probe.size; i++) probe.data[i] = Math.sqrt(3) * (2 * uniform(PROBE_SEED, 0, i) - 1);
  const fused = fuse(toOracleConfig(config), stateToOracle(state), { lambda, probe });
  return {
    state: stateFromOracle(fused.state),
    config: { ...config, form: 'deploy', lambda: 1 },
    report: fused.report,
    probe: fromOracle(probe),
    logits: valuesOf(fused.logits.unfused),
    bounds: valuesOf(fused.logits.bounds),
    firstOrder: valuesOf(fused.logits.firstOrder),
  };
}
