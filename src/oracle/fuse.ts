import { fuse, FusionError, tensor, uniform, valuesOf, zeros, type FusionReport } from '../../reference/index.js';
import { checkFunction, checkOptions } from '../core/check.js';
import { checkStateDict } from '../core/checkState.js';
import { resolveConfig, type ModelConfig } from '../core/config.js';
import type { FloatArray, StateDict, Tensor } from '../core/tensor.js';
import { openFloat64 } from '../wasm/float64/kernels.js';
import { toOracleConfig } from './backend.js';
import { fuseInSteps, type Fusion, type FusionProgress } from './fast/fuse.js';
import type { FeatureMap } from './fast/map.js';
import { stateFromOracle, stateToOracle } from './state.js';

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

export interface FuseStateOptions {
  /** Height and width of the images, `input_size` by default. */
  readonly probeSize?: readonly [number, number];
  /** Called during the computation with the number of products that are done, and an estimate of all of them. */
  readonly onProgress?: (progress: FusionProgress) => void;
}

/** Random images: uniform in ±√3, which has the standard deviation of a normalized image. */
export function drawProbe(shape: readonly [n: number, c: number, h: number, w: number]): FeatureMap {
  const { data } = zeros(shape);
  for (let i = 0; i < data.length; i++) data[i] = Math.sqrt(3) * (2 * uniform(PROBE_SEED, 0, i) - 1);
  return { data, shape };
}

/** By `fuse` of the reference, which needs no WebAssembly. The results are the same, bit for bit. */
function fuseByReference(config: ModelConfig, state: StateDict, { data, shape }: FeatureMap): Fusion {
  const fused = fuse(toOracleConfig(config), stateToOracle(state), { lambda: 1, probe: tensor(data, shape) });
  return {
    state: stateFromOracle(fused.state),
    report: fused.report,
    logits: valuesOf(fused.logits.unfused),
    bounds: valuesOf(fused.logits.bounds),
    firstOrder: valuesOf(fused.logits.firstOrder),
  };
}

/** @throws FusionError if the network is not of the train form, or λ is not 1 */
function checkFusible({ form, lambda }: ModelConfig): void {
  // Of the deploy form, the form is what is wrong.
  if (form === 'deploy')
    throw new FusionError('fuse', 'the train form', 'the deploy form', 'It is fused already: use it as it is.');
  if (lambda === null) {
    const hint = 'Pass the lambda that the network was trained to: fuseState(state, { ...config, lambda: 1 }).';
    throw new FusionError('fuse', 'lambda = 1', 'none in the configuration', hint);
  }
  if (lambda !== 1) {
    const hint = 'Train until λ = 1: below it, an activation separates the convolutions.';
    throw new FusionError('fuse', 'lambda = 1', `lambda = ${lambda}`, hint);
  }
}

/** As `fuseState`, in steps between which the caller may do something else. */
export function* fuseStateInSteps(
  state: StateDict,
  config: ModelConfig,
  options: Pick<FuseStateOptions, 'probeSize'> = {},
): Generator<FusionProgress, FusedState> {
  checkStateDict('state', state);
  const { input_size } = resolveConfig(config);
  const { probeSize = input_size } = checkOptions(options, ['probeSize']);
  const { input_size: size } = resolveConfig({ ...config, input_size: probeSize });
  checkFusible(config);
  const probe = drawProbe([PROBE_IMAGES, config.in_chans, ...size]);
  const kernels = openFloat64();
  const fused =
    kernels === null ? fuseByReference(config, state, probe) : yield* fuseInSteps(kernels, config, state, probe);
  return { ...fused, config: { ...config, form: 'deploy', lambda: 1 }, probe };
}

/**
 * Fuses a train form into a deploy form in float64, and compares both on random images. The results are those of `fuse` of
 * the reference, bit for bit, but at full width some thousand times sooner.
 *
 * @throws FusionError if `lambda` is not 1, the network is not of the train form, or a tensor is absent, not finite or of
 *   another shape
 * @throws ShapeError if the images are too small for the network, ParamError
 */
export function fuseState(state: StateDict, config: ModelConfig, options: FuseStateOptions = {}): FusedState {
  const { onProgress, ...rest } = checkOptions(options, ['probeSize', 'onProgress']);
  if (onProgress !== undefined) checkFunction('onProgress', onProgress);
  const steps = fuseStateInSteps(state, config, rest);
  for (;;) {
    const { value, done } = steps.next();
    if (done === true) return value;
    onProgress?.(value);
  }
}
