import { fuse, FusionError, uniform, valuesOf, zeros, type FusionReport } from '../../reference/index.js';
import { checkOptions } from '../core/check.js';
import { checkStateDict } from '../core/checkState.js';
import { resolveConfig, type ModelConfig } from '../core/config.js';
import type { FloatArray, StateDict, Tensor } from '../core/tensor.js';
import { toOracleConfig } from './backend.js';
import { fromOracle, stateFromOracle, stateToOracle } from './state.js';

export interface FusedState {
  readonly state: StateDict;
  readonly config: ModelConfig;
  readonly report: FusionReport;
  /** The images [n, in_chans, h, w] on which both forms were compared. */
  readonly probe: Tensor;
  /** Their logits before fusion, and the float32 bound of each logit after it; NaN if it was not bounded. */
  readonly logits: FloatArray;
  readonly bounds: FloatArray;
  /** The first-order bounds, for deep networks, whose full bounds are larger than the logits. */
  readonly firstOrder: FloatArray;
}

/** The number of images on which both forms are compared. */
const PROBE_IMAGES = 2;

/** Seed of the probe's pixels. */
const PROBE_SEED = 2023;

/**
 * Fuses a train form into a deploy form by `fuse` of the reference, in float64, and compares them on random images:
 * uniform in ±√3, which has the standard deviation of a normalized image.
 *
 * @param options `probeSize`: height and width of the images, `input_size` by default
 * @throws FusionError if `lambda` is not 1 or the network is not of the train form
 */
export function fuseState(
  state: StateDict,
  config: ModelConfig,
  options: { readonly probeSize?: readonly [number, number] } = {},
): FusedState {
  checkStateDict('state', state);
  const { input_size } = resolveConfig(config);
  const { probeSize = input_size } = checkOptions(options, ['probeSize']);
  resolveConfig({ ...config, input_size: probeSize });
  const { lambda } = config;
  if (lambda === null) {
    // Of the deploy form, the form is what is wrong.
    if (config.form === 'deploy')
      throw new FusionError('fuse', 'the train form', 'the deploy form', 'It is fused already: use it as it is.');
    const hint = 'Pass the lambda that the network was trained to: fuseState(state, { ...config, lambda: 1 }).';
    throw new FusionError('fuse', 'lambda = 1', 'none in the configuration', hint);
  }
  const shape = [PROBE_IMAGES, config.in_chans, ...probeSize];
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
